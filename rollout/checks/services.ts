import type { Service, Strategy } from '../plan.ts'
import type { Keys, Lenient } from '../plan-parts.ts'
import { show } from '../plan-problems.ts'
import {
  type Check,
  commandChecks,
  entries,
  nameCheck,
  namesChecks,
  namesOf,
  type Parts,
} from './check.ts'

/** What the services need of each other, and how their state moves. */

export function servicesChecks({ services, external, gates }: Parts): Check[] {
  if (services && Object.keys(services).length === 0) {
    return [{ keys: ['services'], message: 'is empty; give at least one service to move' }]
  }
  const own = namesOf(services)
  const needed = own && external && [...own, ...Object.keys(external)]
  return entries(services).flatMap(([name, service]) => {
    const keys = ['services', name]
    const { dependsOn, together, state } = service
    return [
      ...affinityChecks(service.affinity, [...keys, 'affinity']),
      ...itselfChecks(name, dependsOn, [...keys, 'dependsOn']),
      ...namesChecks(dependsOn, needed, 'service or external system', [...keys, 'dependsOn']),
      ...itselfChecks(name, together, [...keys, 'together']),
      ...namesChecks(together, own, 'service', [...keys, 'together']),
      ...nameCheck(state?.gate, namesOf(gates), 'gate', [...keys, 'state', 'gate']),
      ...strategyChecks(service, keys),
    ]
  })
}

function affinityChecks(affinity: { header?: string; cookie?: string } | undefined, keys: Keys) {
  if (affinity?.header === undefined || affinity.cookie === undefined) return []
  return [{ keys, message: 'has both a header and a cookie; keep one' }]
}

function itselfChecks(
  name: string,
  names: readonly (string | undefined)[] | undefined,
  keys: Keys,
): Check[] {
  const index = names?.indexOf(name) ?? -1
  return index < 0
    ? []
    : [{ keys: [...keys, index], message: 'is the service itself; take it out' }]
}

/** Routes that two services would both get. */
export function routeChecks({ services }: Parts): Check[] {
  const taken = new Map<string, string>()
  const checks: Check[] = []
  for (const [name, service] of entries(services)) {
    for (const [index, route] of (service.routes ?? []).entries()) {
      if (route === undefined) continue
      const first = taken.get(route)
      if (first === undefined) taken.set(route, name)
      else {
        const who = first === name ? 'stands twice' : `belongs to ${first} already`
        checks.push({
          keys: ['services', name, 'routes', index],
          message: `${show(route)} ${who}; give each service its own path prefixes`,
          rests: [['services', first, 'routes']],
        })
      }
    }
  }
  return checks
}

/** Systems that are checked, each in one way. */
export function externalChecks({ external, services }: Parts): Check[] {
  return entries(external).flatMap(([name, { check, url }]) => {
    const keys = ['external', name]
    const rests = ['check', 'url'].map((key) => [...keys, key])
    const checks: Check[] = [...commandChecks(check, [...keys, 'check'])]
    if (services && Object.hasOwn(services, name)) {
      checks.push({ keys, message: 'is the name of a service too; give another name' })
    }
    if (check && url !== undefined) {
      checks.push({ keys, message: 'has both a check and a url; keep one', rests })
    } else if (!check && url === undefined) {
      const message = `is never checked; give check: [redis-cli, ping], or url: http://127.0.0.1:9200`
      checks.push({ keys, message, rests })
    }
    return checks
  })
}

type State = Lenient<Service['state']>
type Command = 'export' | 'import' | 'compensate' | 'prepare' | 'commit' | 'abort'

/** The commands that each strategy is made of; it needs all of them. */
const COMMANDS: Partial<Record<Strategy, Command[]>> = {
  'state-preservation': ['export', 'import'],
  compensation: ['compensate'],
  'distributed-transaction': ['prepare', 'commit', 'abort'],
}

/** Beside them, what a strategy may say. */
const OPTIONS: Partial<Record<Strategy, (keyof State)[]>> = {
  compensation: ['inFlight', 'drain'],
  'dual-write': ['writes'],
}

const WRITES = 'POST PUT PATCH DELETE'

function strategyChecks(service: Lenient<Service>, keys: Keys): Check[] {
  const { strategy, state, blue } = service
  if (!strategy || !state) return []
  const rests = [
    [...keys, 'strategy'],
    [...keys, 'state'],
  ]
  const checks: Check[] = []
  const say = (at: Keys, message: string) => checks.push({ keys: [...keys, ...at], message, rests })
  if (blue === 'none' && strategy === 'dual-write') {
    say(['strategy'], 'dual-write writes to both colours, but blue is none; give another')
  }
  if (blue === 'none' && strategy === 'state-preservation') {
    say(['strategy'], "state-preservation carries blue's state, but blue is none; give another")
  }
  for (const command of COMMANDS[strategy] ?? []) {
    if (state[command]) continue
    say(['state', command], `is missing; ${strategy} runs it, give a program and its arguments`)
  }
  const belongs = [...Object.entries(COMMANDS), ...Object.entries(OPTIONS)]
  for (const [owner, fields] of belongs) {
    for (const field of fields) {
      if (owner === strategy || state[field] === undefined) continue
      if (field === 'writes' && state.writes?.join(' ') === WRITES) continue
      say(['state', field], `belongs to ${owner}, this is ${strategy}; take it out`)
    }
  }
  for (const command of Object.values(COMMANDS).flat()) {
    checks.push(...commandChecks(state[command], [...keys, 'state', command]))
  }
  if (strategy === 'compensation' && state.drain !== undefined) {
    if (state.inFlight === undefined) {
      say(['state', 'drain'], 'has no effect without inFlight; give the query, or take it out')
    } else if (state.drain < 0) {
      say(['state', 'drain'], `${state.drain} is below 0; give how much work may be left`)
    }
  }
  return checks
}
