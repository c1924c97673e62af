import type { Plan } from '../../rollout/plan.ts'
import { commandsIn, supervisedIn } from '../../rollout/plan-uses.ts'
import { kubernetesPart } from '../../rollout/schema/kubernetes.ts'
import { colourOf } from '../../rollout/services.ts'

type Say = (place: string, text: string) => void

/**
 * What of a plan a cluster does not do: each a line with its place and what to do. A plan that needs
 * it is refused, so that nothing is left out in silence.
 */
export function unsupportedIn(plan: Plan): string[] {
  const problems: string[] = []
  const say: Say = (place, text) => problems.push(`plan.${place}: ${text}`)
  sayOfServices(plan, say)
  sayOfGates(plan, say)
  sayOfOperations(plan, say)
  for (const [name, { url }] of Object.entries(plan.external)) {
    if (url !== undefined && isLoopback(url)) {
      say(`external.${name}.url`, `${url} is the hook's own pod in a cluster; give its name there`)
    }
  }
  sayOfBackups(plan, say)
  sayOfSecret(plan, say)
  return problems
}

/**
 * What of a plan has no effect in a cluster and does no harm, each a line with its place: such a plan
 * is carried out as it is, and people are told.
 */
export function ineffectiveIn(plan: Plan): string[] {
  return Object.entries(plan.services).flatMap(([name, { affinity }]) => {
    const by = affinity.header ?? affinity.cookie
    return by === undefined
      ? []
      : `plan.services.${name}.affinity: ${by} has no effect in a cluster: a Gateway knows no users, so at a weight between 0 and 100 a user meets both colours`
  })
}

function sayOfServices(plan: Plan, say: Say): void {
  for (const [name, service] of Object.entries(plan.services)) {
    const place = `services.${name}`
    if (service.blue === 'none') {
      say(`${place}.blue`, 'none: a route with green alone gives it everything at any weight')
    }
    for (const colour of ['blue', 'green'] as const) {
      const own = colourOf(service, colour)
      if (own?.servedBy !== undefined) {
        const [other = '', its] = own.servedBy.split('.') as [string, 'blue' | 'green']
        const served = plan.services[other] && colourOf(plan.services[other], its)
        if (served?.existing === undefined) continue
        say(
          `${place}.${colour}.servedBy`,
          `the pods of ${own.servedBy} are another's, and are not known by a label; give an existing Service of its own with its port`,
        )
        continue
      }
      if (!own || own.image !== undefined || own.existing !== undefined) continue
      say(
        `${place}.${colour}`,
        'has neither an image nor an existing Service, which is what a cluster runs; give one of them with its port',
      )
    }
    if (service.strategy === 'dual-write') {
      say(
        `${place}.strategy`,
        'dual-write: a gateway copies no writes; keep both sides alike by an operation with until, as examples/sync.ts is one',
      )
    }
    if (service.fallback) say(`${place}.fallback`, "a gateway's counters do not tell it")
  }
}

function sayOfGates(plan: Plan, say: Say): void {
  for (const [name, { logs, outbox }] of Object.entries(plan.gates)) {
    if (logs !== undefined) {
      say(
        `gates.${name}.logs`,
        'the logs of pods are gone with them, so it does not read them; count types of errors as a metric, and ask for it with a query',
      )
    }
    if (typeof outbox === 'object') {
      for (const [colour, url] of Object.entries(outbox)) {
        if (isLoopback(url)) {
          say(
            `gates.${name}.outbox.${colour}`,
            `${url} is the hook's own pod in a cluster; give a path of the service, such as /outbox, which is asked of each pod`,
          )
        }
      }
    }
  }
}

function sayOfOperations(plan: Plan, say: Say): void {
  for (const name of supervisedIn(plan)) {
    const metrics = plan.operations[name]?.metrics
    if (typeof metrics === 'string') {
      say(
        `operations.${name}.metrics`,
        `${metrics}: in a cluster it runs in a pod of its own; give its port and path: { port: 8080, path: /metrics }`,
      )
    }
  }
  const [needed] = [...commandsIn(plan), ...supervisedIn(plan).map((name) => `operations.${name}`)]
  if (needed !== undefined && !plan.runner) {
    say('runner', `is missing; ${needed} runs in it: runner: { image: … }, with Node 24`)
  }
}

function sayOfBackups(plan: Plan, say: Say): void {
  const backups = Object.entries(plan.backups)
  for (const [name, { priority }] of backups) {
    if (priority === 'critical') {
      say(
        `backups.${name}.priority`,
        "critical: a server's WAL is archived beside the server, which is not the cluster's rollout; give high, and archive it there",
      )
    }
  }
  if (backups.length === 0) return
  if (!plan.runner) say('runner', 'is missing; backups are taken in it: runner: { image: … }')
  if (kubernetesPart(plan).claim === undefined) {
    say(
      'kubernetes.claim',
      'is missing; backups are kept in it: the name of a PersistentVolumeClaim',
    )
  }
}

/** A pod knows no variable by `env:` but those of the plan's Secret. */
function sayOfSecret(plan: Plan, say: Say): void {
  if (kubernetesPart(plan).secret !== undefined) return
  const named: { place: string; environment: Record<string, string> }[] = [
    ...Object.entries(plan.services).flatMap(([name, service]) =>
      (['blue', 'green'] as const).map((colour) => ({
        place: `services.${name}.${colour}`,
        environment: colourOf(service, colour)?.environment ?? {},
      })),
    ),
    ...Object.entries({ operations: plan.operations, gates: plan.gates }).flatMap(([part, all]) =>
      Object.entries(all).map(([name, { environment = {} }]) => ({
        place: `${part}.${name}`,
        environment,
      })),
    ),
    ...Object.entries(plan.backups).map(([name, { postgres }]) => ({
      place: `backups.${name}`,
      environment: { postgres },
    })),
  ]
  const [first] = named.filter(({ environment }) =>
    Object.values(environment).some((value) => value.startsWith('env:')),
  )
  if (!first) return
  say(
    'kubernetes.secret',
    `is missing; the keys of this Secret are what env: names in ${first.place}`,
  )
}

function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname)
}
