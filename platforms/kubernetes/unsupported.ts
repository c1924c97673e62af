import type { Plan } from '../../rollout/plan.ts'
import { kubernetesPart } from '../../rollout/schema/kubernetes.ts'
import { colourOf } from '../../rollout/services.ts'

/**
 * What of a plan a cluster does not do: each a line with its place and what to do. A plan that needs
 * it is refused, so that nothing is left out in silence.
 */
export function unsupportedIn(plan: Plan): string[] {
  const problems: string[] = []
  const say = (place: string, text: string) => problems.push(`plan.${place}: ${text}`)
  for (const [name, service] of Object.entries(plan.services)) {
    const place = `services.${name}`
    if (service.blue === 'none') {
      say(`${place}.blue`, 'none: a route with green alone gives it everything at any weight')
    }
    for (const colour of ['blue', 'green'] as const) {
      const own = colourOf(service, colour)
      if (!own || own.image !== undefined || own.existing !== undefined) continue
      say(
        `${place}.${colour}`,
        'has neither an image nor an existing Service, which is what a cluster runs; give one of them with its port',
      )
    }
    if (service.strategy !== 'direct') {
      say(`${place}.strategy`, `${service.strategy} is not done in a cluster yet; direct is`)
    }
    if (service.fallback) say(`${place}.fallback`, "a gateway's counters do not tell it")
  }
  for (const [name, { check, gate, then }] of Object.entries(plan.guardrails)) {
    const place = `guardrails.${name}`
    if (check !== undefined) {
      say(
        place,
        'a check asks green past the router, which is not done yet; the readiness probe does',
      )
    }
    if (gate !== undefined) say(place, 'a gate that is judged again and again is not done yet')
    if (typeof then === 'object' && 'run' in then) say(place, 'a command is not run as a Job yet')
    if (typeof then === 'object' && 'flag' in then) say(place, 'flags are not set by it yet')
  }
  for (const [name, gate] of Object.entries(plan.gates)) {
    const known =
      gate.confirm !== undefined || gate.metric !== undefined || gate.query !== undefined
    if (!known)
      say(`gates.${name}`, 'of the gates, confirm, metric and query are judged in a cluster so far')
  }
  for (const name of Object.keys(plan.operations)) {
    say(
      `operations.${name}`,
      'a command is not run as a Job yet; run it yourself, or as a Job of your own',
    )
  }
  for (const name of Object.keys(plan.external))
    say(`external.${name}`, 'is not checked from a cluster yet')
  for (const [name, { priority }] of Object.entries(plan.backups)) {
    if (priority !== undefined) say(`backups.${name}.priority`, 'is not scheduled in a cluster yet')
  }
  if (Object.keys(plan.backups).length > 0) {
    if (!plan.runner) say('runner', 'is missing; backups are taken in it: runner: { image: … }')
    if (kubernetesPart(plan).claim === undefined) {
      say(
        'kubernetes.claim',
        'is missing; backups are kept in it: the name of a PersistentVolumeClaim',
      )
    }
  }
  if (Object.keys(plan.flags).length > 0) say('flags', 'are not mounted into services yet')
  if ('shadow' in plan) say('shadow', 'a mirror answers 500 on gateways that lack it')
  return problems
}
