import type { Plan } from '../../rollout/plan.ts'

/** The variables of a container: as they are, and by the key of the secret that each is read from. */
export interface Variables {
  plain: Record<string, string>
  /** By the name of the variable: the key in the entry of Secrets Manager. */
  secret: Record<string, string>
}

const FROM = /^env:(.+)$/

/** Parts the variables of a command into those that stand in the plan and those that do not. Pure. */
export function variablesOf(environment: Record<string, string>): Variables {
  const variables: Variables = { plain: {}, secret: {} }
  for (const [name, value] of Object.entries(environment)) {
    const key = FROM.exec(value)?.[1]
    if (key === undefined) variables.plain[name] = value
    else variables.secret[name] = key
  }
  return variables
}

/**
 * The secrets of what runs commands: each `env:NAME` of the plan under its own name, and the variables
 * that commands call otherwise. Pure.
 */
export function runnerSecrets(plan: Plan): Variables['secret'] {
  const { local: _local, kubernetes: _kubernetes, notify: _notify, ...rest } = plan
  const named = Object.fromEntries([...namesIn(rest)].map((name) => [name, name]))
  const own = commandsOf(plan).map(({ environment }) => variablesOf(environment).secret)
  return Object.assign({}, named, ...own)
}

/** A variable cannot be two secrets in the one task definition that runs all commands. Pure. */
export function ambiguousSecrets(plan: Plan): string[] {
  const known = new Map<string, { key: string; place: string }>()
  return commandsOf(plan).flatMap(({ place, environment }) =>
    Object.entries(variablesOf(environment).secret).flatMap(([name, key]) => {
      const before = known.get(name)
      if (!before) known.set(name, { key, place })
      if (!before || before.key === key) return []
      return [
        `plan.${place}.environment.${name}: is env:${key} here and env:${before.key} in ${before.place}; on aws all commands share their secrets, so give one of them another name`,
      ]
    }),
  )
}

/** The commands of the plan that run as tasks, with where they stand. */
export function commandsOf(plan: Plan): { place: string; environment: Record<string, string> }[] {
  return [
    ...Object.entries(plan.operations).flatMap(([name, operation]) =>
      operation.until !== undefined ? [] : [{ place: `operations.${name}`, ...operation }],
    ),
    ...Object.entries(plan.gates).flatMap(([name, { run, environment = {} }]) =>
      run === undefined ? [] : [{ place: `gates.${name}`, environment }],
    ),
    ...Object.entries(plan.guardrails).flatMap(([name, { then }]) =>
      typeof then === 'object' && 'run' in then
        ? [{ place: `guardrails.${name}.then`, environment: {} }]
        : [],
    ),
  ]
}

/** Every name in `env:NAME` below a part of the plan. */
export function namesIn(part: unknown): Set<string> {
  if (typeof part === 'string') {
    const name = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(part)?.[1]
    return new Set(name === undefined ? [] : [name])
  }
  if (typeof part !== 'object' || part === null) return new Set()
  return new Set(Object.values(part).flatMap((inner) => [...namesIn(inner)]))
}
