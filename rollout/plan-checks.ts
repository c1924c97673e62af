import { rollsBack } from './action.ts'
import type { Colour, ColourName, Gate, Guardrail, Metric, Plan } from './plan.ts'
import { formatPath, type Keys, type Lenient } from './plan-parts.ts'
import { type Finding, nearest, show } from './plan-problems.ts'
import { formatThreshold, type Threshold } from './threshold.ts'

type Parts = Lenient<Plan>

/** Something said of a place, unless one of the places it rests on had the wrong shape already. */
interface Check extends Finding {
  rests?: Keys[]
}

/**
 * What is wrong with a plan although its shape is right: numbers that do not rise, ports that
 * collide, gates nobody judges. Looks at the parts that have the right shape.
 *
 * @param shape what is wrong with the shape; nothing more is said of those places
 */
export function checkPlan(parts: Parts, shape: readonly Finding[]): Finding[] {
  const checks = [
    ...servicesChecks(parts),
    ...routeChecks(parts),
    ...stepChecks(parts),
    ...bakeChecks(parts),
    ...guardrailChecks(parts),
    ...gateChecks(parts),
    ...gateUseChecks(parts),
    ...backupChecks(parts),
    ...channelChecks(parts),
    ...limitChecks(parts),
    ...localChecks(parts),
    ...portChecks(parts),
  ]
  const misshapen = shape.map(({ keys }) => keys)
  return checks
    .filter(({ keys, rests }) => [keys, ...(rests ?? [])].every((at) => !touches(misshapen, at)))
    .map(({ keys, message }) => ({ keys, message }))
}

function touches(misshapen: readonly Keys[], place: Keys): boolean {
  return misshapen.some((keys) =>
    place.slice(0, keys.length).every((key, index) => key === keys[index]),
  )
}

function entries<T>(record: Record<string, T | undefined> | undefined): [string, T][] {
  return Object.entries(record ?? {}).filter((entry): entry is [string, T] => !!entry[1])
}

const COLOURS: ColourName[] = ['blue', 'green']

function servicesChecks({ services }: Parts): Check[] {
  if (services && Object.keys(services).length === 0) {
    return [{ keys: ['services'], message: 'is empty; give at least one service to move' }]
  }
  return entries(services).flatMap(([name, service]) => {
    const keys = ['services', name]
    const [blue, green] = [running(service.blue), running(service.green)]
    const same =
      blue?.url !== undefined && blue.url === green?.url
        ? [
            {
              keys: [...keys, 'green', 'url'],
              message: `${show(green.url)} is blue's address too; give the address of the new system`,
            },
          ]
        : []
    return [
      ...COLOURS.flatMap((colour) => colourChecks(running(service[colour]), [...keys, colour])),
      ...same,
      ...affinityChecks(service.affinity, [...keys, 'affinity']),
    ]
  })
}

/** A colour that is there: blue may be `none`. */
function running(colour: Lenient<Colour> | 'none' | undefined): Lenient<Colour> | undefined {
  return colour === 'none' ? undefined : colour
}

function colourChecks(colour: Lenient<Colour> | undefined, keys: Keys): Check[] {
  if (!colour) return []
  const { command, port, url, environment, servedBy } = colour
  if (servedBy !== undefined) return []
  const rests = [
    [...keys, 'command'],
    [...keys, 'port'],
    [...keys, 'url'],
  ]
  const checks: Check[] = []
  const say = (at: Keys, message: string) => checks.push({ keys: [...keys, ...at], message, rests })
  if (command && url !== undefined) {
    say([], 'has both a command and a url; keep the command with a port, or the url')
  } else if (!command && url === undefined) {
    say([], 'has neither a command nor a url; give a command with a port, or a url')
  } else if (command && port === undefined) {
    say(['port'], 'is missing; give the port where the command listens, from 1 to 65535')
  } else if (url !== undefined && port !== undefined) {
    say(['port'], `${port} has no effect beside a url; take it out`)
  }
  command?.forEach((word, index) => {
    if (!word?.includes('\0')) return
    say(['command', index], 'has a NUL character; take it out')
  })
  if (url !== undefined) checks.push(...urlChecks(url, [...keys, 'url']))
  for (const [name, value] of Object.entries(environment ?? {})) {
    const at = [...keys, 'environment', name]
    const found = environmentProblem(name, value as string | undefined, url !== undefined)
    if (found) checks.push({ keys: at, message: found })
  }
  return checks
}

function environmentProblem(
  name: string,
  value: string | undefined,
  running: boolean,
): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return `${show(name)} is no name of a variable; give letters, digits and _, not beginning with a digit`
  }
  if (running) return 'has no effect on a system that runs already; take it out'
  if (name === 'PORT') return 'is given by the platform from port; take it out'
  if (value?.includes('\0')) return 'has a NUL character; take it out'
  if (value?.startsWith('env:') && !/^env:[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
    return `${show(value)} names no variable; give env:NAME to pass one on`
  }
  return undefined
}

function urlChecks(text: string, keys: Keys): Check[] {
  if (!URL.canParse(text)) return []
  const url = new URL(text)
  if (url.username || url.password) {
    return [{ keys, message: 'carries a user or a password; a secret never stands in a plan' }]
  }
  if (url.pathname !== '/' || url.search || url.hash) {
    const origin = `${url.protocol}//${url.host}`
    return [{ keys, message: `${show(text)} goes on after the port; give ${origin}` }]
  }
  if (url.port === '0') return [{ keys, message: `${show(text)} has port 0; give 1 to 65535` }]
  return []
}

function affinityChecks(affinity: { header?: string; cookie?: string } | undefined, keys: Keys) {
  if (affinity?.header === undefined || affinity.cookie === undefined) return []
  return [{ keys, message: 'has both a header and a cookie; keep one' }]
}

function routeChecks({ services }: Parts): Check[] {
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

function stepChecks({ steps }: Parts): Check[] {
  const checks: Check[] = []
  let before = 0
  steps?.forEach((step, index) => {
    const weight = typeof step === 'number' ? step : step?.weight
    if (weight === undefined) return
    const keys = typeof step === 'number' ? ['steps', index] : ['steps', index, 'weight']
    const say = (message: string) => checks.push({ keys, message })
    if (weight === 0) say('0 is no step; give 1 to 100, the rollout begins at 0 by itself')
    else if (weight < 1) say(`${weight} is below 1; give a whole percent from 1 to 100`)
    else if (weight > 100) say(`${weight} is above 100; give 1 to 100`)
    else if (!Number.isInteger(weight)) say(`${weight} is not whole; give a whole percent`)
    else {
      if (weight <= before) say(`${weight} does not rise above ${before}; give steps that rise`)
      before = Math.max(before, weight)
      return
    }
  })
  const last = steps?.at(-1)
  const end = typeof last === 'number' ? last : last?.weight
  if (steps && end !== undefined && end > 0 && end < 100 && before < 100) {
    checks.push({
      keys: ['steps', steps.length - 1],
      message: `the last step is ${end}; end the steps with 100`,
    })
  }
  return checks
}

function bakeChecks({ bake, steps }: Parts): Check[] {
  const zero = 'is 0, so that nothing would be watched; give a time such as 1h'
  const checks: Check[] = []
  if (bake === 0) checks.push({ keys: ['bake'], message: zero })
  steps?.forEach((step, index) => {
    if (typeof step === 'object' && step.bake === 0) {
      checks.push({ keys: ['steps', index, 'bake'], message: zero })
    }
  })
  return checks
}

function guardrailChecks({ guardrails }: Parts): Check[] {
  const checks = entries(guardrails).flatMap(([name, guardrail]) =>
    guardrailCheck(guardrail as Partial<Guardrail>, ['guardrails', name]),
  )
  for (const [name, { warn }] of entries(guardrails)) {
    const warning = `${name}-warn`
    if (!warn || !guardrails || !Object.hasOwn(guardrails, warning)) continue
    checks.push({
      keys: ['guardrails', warning],
      message: `is the name of the alert that the warn of guardrails.${name} makes; give another name`,
      rests: [['guardrails', name, 'warn']],
    })
  }
  const all = Object.values(guardrails ?? {})
  if (guardrails && !all.some((one) => one?.then === undefined || rollsBack(one as Guardrail))) {
    checks.push({
      keys: ['guardrails'],
      message:
        'none rolls back, so nothing would take green back; ' +
        'give one, such as errors: { metric: error-rate, above: 5%, for: 2m, then: rollback }',
      rests: Object.keys(guardrails).map((name) => ['guardrails', name, 'then']),
    })
  }
  return checks
}

function guardrailCheck(guardrail: Partial<Guardrail>, keys: Keys): Check[] {
  const { metric, check, above, below, warn } = guardrail
  const checks: Check[] = []
  const rests = ['metric', 'check'].map((key) => [...keys, key])
  const say = (key: string | undefined, message: string) =>
    checks.push({ keys: key ? [...keys, key] : keys, message, rests })
  if (metric && check !== undefined) {
    say(undefined, 'has both a metric and a check; keep one, or make two guardrails')
    return checks
  }
  if (!metric && check === undefined) {
    say(undefined, 'has neither a metric nor a check; give metric: error-rate, or check: /healthz')
    return checks
  }
  if (guardrail.for === 0) say('for', 'is 0; give a time such as 2m, or leave it out')
  if (guardrail.every === 0) say('every', 'is 0; give a time such as 30s')
  if (!metric) {
    for (const key of ['above', 'below', 'warn'] as const) {
      if (!guardrail[key]) continue
      say(key, `has no effect on a check, which passes or fails; take it out`)
    }
    return checks
  }
  for (const key of ['every', 'consecutiveFailures'] as const) {
    if (guardrail[key] === undefined) continue
    say(key, 'belongs to a check; take it out, or give for: 2m')
  }
  checks.push(...sidesCheck(guardrail, metric, keys, 'trips'))
  if (warn) checks.push(...thresholdChecks(warn, metric, [...keys, 'warn']))
  if (warn && above && !below && !isBelow(warn, above)) {
    say('warn', warnMessage(warn, above, 'below'))
  }
  if (warn && below && !above && !isBelow(below, warn)) {
    say('warn', warnMessage(warn, below, 'above'))
  }
  return checks
}

/** Exactly one of above and below, and each of them of the metric's kind. */
function sidesCheck(
  { above, below }: { above?: Threshold; below?: Threshold },
  metric: Metric,
  keys: Keys,
  does: 'trips' | 'passes',
): Check[] {
  const rests = ['above', 'below'].map((key) => [...keys, key])
  const example = `${does === 'trips' ? 'above' : 'below'}: ${metric === 'error-rate' ? '5%' : '150ms'}`
  if (above && below) {
    return [{ keys, message: 'has both above and below; keep one', rests }]
  }
  if (!above && !below) {
    return [{ keys, message: `never ${does}; give above or below, such as ${example}`, rests }]
  }
  if (metric === 'error-rate' && does === 'trips' && below) {
    const message = 'would trip while green is well; give above for an error-rate'
    return [{ keys: [...keys, 'below'], message }]
  }
  if (metric === 'error-rate' && does === 'passes' && above) {
    const message = 'would pass while green is ill; give below for an error-rate'
    return [{ keys: [...keys, 'above'], message }]
  }
  return [
    ...(above ? thresholdChecks(above, metric, [...keys, 'above']) : []),
    ...(below ? thresholdChecks(below, metric, [...keys, 'below']) : []),
  ]
}

function thresholdChecks(threshold: Threshold, metric: Metric, keys: Keys): Check[] {
  const given = formatThreshold(threshold)
  const say = (message: string) => [{ keys, message }]
  if (threshold.kind !== 'absolute') {
    return threshold.factor > 0 ? [] : say(`${given} is 0; give more, such as 2x baseline`)
  }
  if (metric === 'error-rate') {
    if (threshold.unit === 'number') {
      return say(
        `${given} is ambiguous for an error-rate; give ${given}% or a relation such as 2x baseline`,
      )
    }
    if (threshold.unit === 'seconds') {
      return say(`${given} is a time; give a share for an error-rate, such as 5%`)
    }
    if (threshold.value === 0) return say('0% is no threshold; give more than 0%, such as 0.1%')
    if (threshold.value >= 1) return say(`${given} is never passed; give less than 100%`)
    return []
  }
  if (threshold.unit === 'number') {
    return say(
      `${given} is ambiguous for ${metric}; give ${given}ms, ${given}s or a relation such as 2x baseline`,
    )
  }
  if (threshold.unit === 'ratio') {
    return say(`${given} is a share; give a time for ${metric}, such as 150ms, or 110% of blue`)
  }
  return threshold.value > 0 ? [] : say(`0 is no threshold; give a time, such as 150ms`)
}

function warnMessage(warn: Threshold, threshold: Threshold, side: 'below' | 'above'): string {
  return `${formatThreshold(warn)} would not warn before ${formatThreshold(threshold)}; give a value ${side} it`
}

/** False only where both can be compared and `a` is not below `b`. */
function isBelow(a: Threshold, b: Threshold): boolean {
  if (a.kind === 'absolute') {
    return b.kind !== 'absolute' || a.unit !== b.unit || a.value < b.value
  }
  return b.kind !== a.kind || a.factor < b.factor
}

function gateChecks({ gates }: Parts): Check[] {
  return entries(gates).flatMap(([name, gate]) => gateCheck(gate as Partial<Gate>, ['gates', name]))
}

const FIELDS = {
  metric: ['above', 'below', 'over'],
  replay: ['ignore', 'identical'],
  confirm: [],
} as const

function kindsOf(gate: Partial<Gate>): (keyof typeof FIELDS)[] {
  return (['metric', 'replay', 'confirm'] as const).filter((kind) => gate[kind] !== undefined)
}

function gateCheck(gate: Partial<Gate>, keys: Keys): Check[] {
  const kinds = kindsOf(gate)
  const [kind] = kinds
  const rests = Object.keys(FIELDS).map((key) => [...keys, key])
  if (!kind) {
    return [{ keys, message: 'judges nothing; give one of metric, replay or confirm', rests }]
  }
  if (kinds.length > 1) {
    return [{ keys, message: `has ${kinds.join(' and ')}; keep one, or make two gates`, rests }]
  }
  const checks: Check[] = []
  const say = (key: string, message: string) =>
    checks.push({ keys: [...keys, key], message, rests })
  for (const other of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
    for (const field of FIELDS[other]) {
      const value = gate[field]
      if (other === kind || value === undefined || (field === 'ignore' && !gate.ignore?.length)) {
        continue
      }
      say(field, `belongs to a ${other} gate, this is a ${kind} gate; take it out`)
    }
  }
  if (kind === 'confirm' && gate.otherwise === 'rollback') {
    say('otherwise', 'has no effect on a confirm gate, which nobody can fail; take it out')
  }
  if (kind === 'replay' && gate.identical === 0) {
    say('identical', '0% passes whatever the answers are; give more, such as 100%')
  }
  if (gate.metric) checks.push(...sidesCheck(gate, gate.metric, keys, 'passes'))
  return checks
}

/** Every gate that is named is there, each is judged somewhere, and none where it cannot be. */
function gateUseChecks({ gates, steps, start }: Parts): Check[] {
  const known = Object.keys(gates ?? {})
  const used = new Set<string>()
  const checks: Check[] = []
  const read = (names: (string | undefined)[] | undefined, keys: Keys) => {
    for (const [index, name] of (names ?? []).entries()) {
      if (name === undefined) continue
      const at = [...keys, index]
      const near = nearest(name, known)
      const hint = near ? `did you mean ${near}? ` : ''
      if (!gates) continue
      if (!known.includes(name)) {
        const list = known.length > 0 ? known.join(', ') : 'none'
        const message = `${show(name)} is no gate of this plan; ${hint}known: ${list}`
        checks.push({ keys: at, message })
      } else if (names?.indexOf(name) !== index) {
        checks.push({ keys: at, message: `${show(name)} stands twice; keep one` })
      }
      // A slip of the pen is one mistake: the gate that was meant counts as named.
      used.add(known.includes(name) ? name : (near ?? name))
    }
  }
  read(start?.gates, ['start', 'gates'])
  steps?.forEach((step, index) => {
    if (typeof step === 'object') read(step.gates, ['steps', index, 'gates'])
  })
  for (const [name, gate] of entries(gates)) {
    const keys = ['gates', name]
    const atStart = start?.gates?.indexOf(name) ?? -1
    if (!gate.at && !used.has(name)) {
      checks.push({
        keys,
        message: 'is judged nowhere; give at: every-step, or name it in the gates of a step',
        rests: [[...keys, 'at'], ['steps'], ['start']],
      })
    }
    if (gate.metric && (gate.at === 'start' || atStart >= 0)) {
      checks.push({
        keys: gate.at === 'start' ? [...keys, 'at'] : ['start', 'gates', atStart],
        message: `${name} judges green's ${gate.metric}, but green has no traffic at start; judge it at a step`,
      })
    }
  }
  return checks
}

function backupChecks({ backups }: Parts): Check[] {
  return entries(backups)
    .filter(([, backup]) => backup.maximumAge === 0)
    .map(([name]) => ({
      keys: ['backups', name, 'maximumAge'],
      message: 'is 0, and no backup is ever that young; give a time such as 15m',
    }))
}

function channelChecks({ notify }: Parts): Check[] {
  return entries(notify).flatMap(([name, { webhook, slack }]) => {
    const keys = ['notify', name]
    const rests = [
      [...keys, 'webhook'],
      [...keys, 'slack'],
    ]
    if (webhook && slack) {
      return [{ keys, message: 'has both a webhook and slack; keep one, or make two', rests }]
    }
    if (webhook || slack) return []
    const message = 'goes nowhere; give webhook: env:NAME or slack: env:NAME'
    return [{ keys, message, rests }]
  })
}

function limitChecks({ limits }: Parts): Check[] {
  return Object.entries(limits ?? {})
    .filter(([, limit]) => limit === 0)
    .map(([name]) => ({
      keys: ['limits', name],
      message: 'is 0, which nothing can keep; give a time such as 30s',
    }))
}

function localChecks({ local }: Parts): Check[] {
  const first = new Map<string, string>()
  const checks: Check[] = []
  for (const [database, variable] of Object.entries(local?.postgres?.databases ?? {})) {
    if (variable === undefined) continue
    const other = first.get(variable)
    if (other === undefined) first.set(variable, database)
    else {
      checks.push({
        keys: ['local', 'postgres', 'databases', database],
        message: `${variable} carries the address of ${other} already; give each its own variable`,
      })
    }
  }
  return checks
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

function portChecks({ local, services }: Parts): Check[] {
  const checks: Check[] = []
  const taken = new Map<number, Keys>()
  const names = new Map<number, string>()
  const listen = local?.listen
  if (listen !== undefined) {
    const port = Number(listen.slice(listen.lastIndexOf(':') + 1))
    const keys = ['local', 'listen']
    if (port < 1 || port > 65_533) {
      const message = `port ${port} cannot be used; give 1 to 65533, the hook and Prometheus take the two after it`
      checks.push({ keys, message })
    } else {
      names.set(port, 'the router (plan.local.listen)')
      names.set(port + 1, 'the hook (the port after plan.local.listen)')
      names.set(port + 2, 'Prometheus (the second port after plan.local.listen)')
    }
  }
  const take = (port: number, keys: Keys, mayShare: boolean) => {
    const own = names.get(port)
    const other = taken.get(port)
    if (own) checks.push({ keys, message: `${port} is taken by ${own}; give another port` })
    else if (other && !mayShare) {
      const message = `${port} is taken by ${formatPath(other)}; give another port`
      checks.push({ keys, message })
    } else if (!other) taken.set(port, keys)
  }
  const colours = entries(services).flatMap(([name, service]) =>
    COLOURS.map((colour) => ({
      keys: ['services', name, colour],
      value: running(service[colour]),
    })),
  )
  for (const { keys, value } of colours) {
    if (value?.port !== undefined && value.url === undefined) {
      take(value.port, [...keys, 'port'], false)
    }
  }
  const commands = new Map(taken)
  for (const { keys, value } of colours) {
    if (value?.url === undefined || !URL.canParse(value.url)) continue
    const url = new URL(value.url)
    // Two services may share a system that runs already; a command cannot share its port.
    const port = Number(url.port || 80)
    if (LOOPBACK.test(url.hostname)) take(port, [...keys, 'url'], !commands.has(port))
  }
  return checks
}
