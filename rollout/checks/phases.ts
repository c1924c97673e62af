import type { Keys } from '../plan-parts.ts'
import { show } from '../plan-problems.ts'
import { type Check, entries, namesChecks, namesOf, type Parts } from './check.ts'
import { isWeight, risingChecks, weightsOf } from './steps.ts'

/** The phases: which services move in which, and from where to where. */

export function phaseChecks(parts: Parts): Check[] {
  const { phases, services, notify, environments, start } = parts
  const first = new Map<string, number>()
  const named = (phases ?? []).flatMap((phase, index): Check[] => {
    const keys = ['phases', index]
    const { name, announce } = phase ?? {}
    const twice = name !== undefined && first.has(name)
    if (name !== undefined && !twice) first.set(name, index)
    return [
      ...(twice
        ? [
            {
              keys: [...keys, 'name'],
              message: `${show(name)} is the name of plan.phases[${first.get(name)}] already; give another name`,
            },
          ]
        : []),
      ...namesChecks(phase?.services, namesOf(services), 'service', [...keys, 'services']),
      ...risingChecks(phase?.steps, [...keys, 'steps']),
      ...namesChecks(announce?.to, namesOf(notify), 'channel', [...keys, 'announce', 'to']),
    ]
  })
  return [
    ...namesChecks(start?.announce?.to, namesOf(notify), 'channel', ['start', 'announce', 'to']),
    ...named,
    ...wayChecks(parts),
    ...togetherChecks(parts),
    ...(environments ?? []).flatMap((name, index) =>
      name === undefined || environments?.indexOf(name) === index
        ? []
        : [{ keys: ['environments', index], message: `${show(name)} stands twice; keep one` }],
    ),
  ]
}

/** The phases that a service moves in, by index. */
function phasesWith({ phases }: Parts, service: string): number[] {
  return (phases ?? []).flatMap((phase, index) =>
    phase && (!phase.services || phase.services.includes(service)) ? [index] : [],
  )
}

/** Each service goes on where the phase before has left it, and comes to 100 in the end. */
function wayChecks(parts: Parts): Check[] {
  const { phases, services, steps } = parts
  if (!phases || !services) return []
  const slips = phases.some((phase) =>
    phase?.services?.some((name) => name === undefined || !Object.hasOwn(services, name)),
  )
  // What is wrong with the steps of a phase is one mistake, whatever number of services it has.
  const said = new Map<string, { keys: Keys; who: string[]; message: (who: string) => string }>()
  const say = (keys: Keys, service: string, message: (who: string) => string) => {
    const place = JSON.stringify(keys)
    const one = said.get(place) ?? { keys, who: [], message }
    one.who.push(service)
    said.set(place, one)
  }
  for (const [service] of entries(services)) {
    let stands = 0
    let left: string | undefined
    let end: Keys = ['phases']
    const within = phasesWith(parts, service)
    if (within.length === 0) {
      // Whoever a misspelt name stands for is named.
      if (slips) continue
      const keys = ['services', service]
      say(keys, service, () => 'moves in no phase; name it in the services of one')
      continue
    }
    for (const index of within) {
      const own = phases[index]?.steps
      const place: Keys = own ? ['phases', index, 'steps'] : ['phases', index]
      const weights = weightsOf(own ?? steps, own ? place : ['steps'])
      if (weights.length === 0 || !weights.every(({ weight }) => isWeight(weight))) {
        end = []
        break
      }
      const [begin, last] = [weights[0]?.weight ?? 0, weights.at(-1)?.weight ?? 0]
      const [from, before] = [stands, left]
      if (begin < from) {
        say(
          own ? (weights[0]?.keys ?? place) : place,
          service,
          (who) =>
            `begins with ${begin}, but ${before} has left ${who} at ${from}; give steps from ${from} on`,
        )
      }
      stands = Math.max(stands, ...weights.map(({ weight }) => weight ?? 0))
      left = phases[index]?.name ?? `phase ${index}`
      end = own ? ['phases', index, 'steps', own.length - 1] : place
      if (last < stands) end = []
    }
    if (end.length === 0 || stands === 100) continue
    const at = stands
    say(end, service, (who) => `leaves ${who} at ${at}, and no phase comes after it; end with 100`)
  }
  return [...said.values()].map(({ keys, who, message }) => ({
    keys,
    message: message(who.join(', ')),
    rests: [['phases'], ['steps'], ['services']],
  }))
}

/** What moves as one moves in the same phases. */
function togetherChecks(parts: Parts): Check[] {
  const { phases, services } = parts
  const tiers = entries(services).some(([, { tier }]) => tier)
  return entries(services).flatMap(([name, service]) =>
    (service.together ?? []).flatMap((other, index): Check[] => {
      const its = other === undefined ? undefined : services?.[other]
      if (!its || other === undefined || other === name) return []
      const keys = ['services', name, 'together', index]
      // Said once where both name each other.
      if (its.together?.includes(name) && other < name) return []
      if (phases) {
        const [mine, theirs] = [phasesWith(parts, name), phasesWith(parts, other)]
        if (mine.length === 0 || theirs.length === 0 || String(mine) === String(theirs)) return []
        const list = (all: number[]) => all.map((at) => phases[at]?.name ?? at).join(', ')
        return [
          {
            keys,
            message: `${other} moves in ${list(theirs)}, ${name} in ${list(mine)}; what moves together is in the same phases`,
            rests: [['phases']],
          },
        ]
      }
      const [mine, theirs] = [service.tier ?? 'low', its.tier ?? 'low']
      if (!tiers || mine === theirs) return []
      return [
        {
          keys,
          message: `${other} is of tier ${theirs}, ${name} of ${mine}, and tiers move one after the other; give both one tier, or give phases`,
          rests: [
            ['services', name, 'tier'],
            ['services', other, 'tier'],
          ],
        },
      ]
    }),
  )
}
