import type { Colour, ColourName, Phase, Plan, Service } from './plan.ts'

/** The order and the groups in which a plan's services move. Pure reading of the plan. */

/** A colour of a service; undefined where blue is `none`: what is new has no old system. */
export function colourOf(service: Service, colour: ColourName): Colour | undefined {
  const found = service[colour]
  return found === 'none' ? undefined : found
}

/** The phases of a plan, each with its services: the plan's own, or one a tier, or one for all. */
export function phasesOf(plan: Plan): (Phase & { services: string[] })[] {
  const all = Object.keys(plan.services)
  if (plan.phases)
    return plan.phases.map((phase) => ({ ...phase, services: phase.services ?? all }))
  const phase = (name: string, services: string[]) => ({ name, services, begin: [], end: [] })
  const tiers = ['low', 'medium', 'critical'] as const
  if (!all.some((service) => plan.services[service]?.tier)) return [phase(plan.name, all)]
  return tiers.flatMap((tier) => {
    const within = all.filter((name) => (plan.services[name]?.tier ?? 'low') === tier)
    return within.length > 0 ? [phase(tier, within)] : []
  })
}

/**
 * The services that move as one, in the order in which groups move: what others depend on first,
 * else as they stand in the plan. Cycles are broken where they would begin.
 * @param within only these services
 */
export function groupsOf(plan: Plan, within: readonly string[]): string[][] {
  const groups = joined(plan, within)
  const groupOf = (service: string) => groups.find((group) => group.includes(service))
  const done = new Set<string[]>()
  const ordered: string[][] = []
  const visit = (group: string[], path: string[][]) => {
    if (done.has(group) || path.includes(group)) return
    for (const service of group) {
      for (const needed of plan.services[service]?.dependsOn ?? []) {
        const first = groupOf(needed)
        if (first && first !== group) visit(first, [...path, group])
      }
    }
    done.add(group)
    ordered.push(group)
  }
  for (const group of groups) visit(group, [])
  return ordered
}

function joined(plan: Plan, within: readonly string[]): string[][] {
  const groups: string[][] = []
  for (const service of within) {
    const mine = new Set([service, ...(plan.services[service]?.together ?? [])])
    const members = within.filter((other) => mine.has(other))
    const touching = groups.filter((group) => group.some((other) => mine.has(other)))
    for (const group of touching) groups.splice(groups.indexOf(group), 1)
    const all = new Set([...touching.flat(), ...members])
    groups.push(within.filter((other) => all.has(other)))
  }
  return groups.sort((a, b) => within.indexOf(a[0] ?? '') - within.indexOf(b[0] ?? ''))
}

/** What a group is called: its services, or the plan where it has all of them. */
export function groupName(plan: Plan, group: readonly string[]): string {
  const all = Object.keys(plan.services)
  return all.length > 1 && group.length === all.length ? plan.name : group.join('+')
}

/**
 * The services in the order in which green may fall: those that depend on others before what they
 * depend on. Reversed, the order in which it may rise.
 */
export function fallingOrder(plan: Plan): string[] {
  return groupsOf(plan, Object.keys(plan.services)).flat().reverse()
}

/** Dependencies that come back to where they began: `a → b → a`; a plan may have them. */
export function cyclesOf(plan: Plan): string[][] {
  const cycles: string[][] = []
  const seen = new Set<string>()
  const visit = (service: string, path: string[]) => {
    const at = path.indexOf(service)
    if (at >= 0) {
      const cycle = path.slice(at)
      const key = [...cycle].sort().join(' ')
      if (!seen.has(key)) cycles.push([...cycle, service])
      seen.add(key)
      return
    }
    for (const needed of plan.services[service]?.dependsOn ?? []) {
      if (Object.hasOwn(plan.services, needed)) visit(needed, [...path, service])
    }
  }
  for (const service of Object.keys(plan.services)) visit(service, [])
  return cycles
}

/** Dependencies on something that moves in a later phase; the phases win. */
export function againstPhases(plan: Plan): { service: string; needs: string; later: string }[] {
  const phases = phasesOf(plan)
  const phaseOf = (service: string) =>
    phases.findIndex(({ services }) => services.includes(service))
  return Object.entries(plan.services).flatMap(([service, { dependsOn }]) =>
    dependsOn
      .filter((needs) => Object.hasOwn(plan.services, needs) && phaseOf(needs) > phaseOf(service))
      .map((needs) => ({ service, needs, later: phases[phaseOf(needs)]?.name ?? '' })),
  )
}

/** Where a colour of a service answers: a running system's url, or a port on loopback. */
export type Address = { url: string } | { port: number }

/**
 * The process that answers for a colour of a service: its own, or that of the colour it is served
 * by.
 * @returns undefined where it is `none`, or has neither a url nor a port
 */
export function addressOf(plan: Plan, service: string, colour: ColourName): Address | undefined {
  const found = plan.services[service]
  const own = found && colourOf(found, colour)
  if (!own) return undefined
  if (own.servedBy !== undefined) {
    const [other, its] = own.servedBy.split('.') as [string, ColourName]
    const served = plan.services[other]
    const process = served && colourOf(served, its)
    return process && placeOf(process)
  }
  return placeOf(own)
}

/** The http address of a path of a colour, past the router. */
export function urlOf(
  plan: Plan,
  service: string,
  colour: ColourName,
  path: string,
): string | undefined {
  const address = addressOf(plan, service, colour)
  if (!address) return undefined
  return 'url' in address
    ? new URL(path, address.url).href
    : `http://127.0.0.1:${address.port}${path}`
}

function placeOf({ url, port, image, command, existing }: Colour): Address | undefined {
  if (url !== undefined) return { url }
  // Where a container answers is the platform's to know.
  if (existing !== undefined || (image !== undefined && !command)) return undefined
  return port === undefined ? undefined : { port }
}
