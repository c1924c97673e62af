import type { Plan } from './plan.ts'

/** What a stack says of the environment that it is. */
export interface EnvironmentSettings {
  /** sluice:environment */
  environment?: string
  /** sluice:clock */
  clock: number
}

/** What the rollout of an environment of a plan is called, beside the others of the plan. */
export const rolloutOf = ({ name }: Pick<Plan, 'name'>, environment: string) =>
  `${name}-${environment}`

/**
 * The environment before this one, which has to have been where this one goes.
 * @returns undefined for the first, and where the plan has none
 */
export function environmentBefore(plan: Plan, environment: string | undefined): string | undefined {
  const { environments } = plan
  if (!environments || environment === undefined) return undefined
  return environments[environments.indexOf(environment) - 1]
}

/**
 * What is wrong with sluice:environment and sluice:clock for this plan, one line a mistake.
 * @param rehearsal true where SLUICE_REHEARSAL=1 says by name that this is none in earnest
 */
export function environmentProblems(
  { name, environments }: Plan,
  { environment, clock }: EnvironmentSettings,
  rehearsal: boolean,
): string[] {
  if (!environments) {
    if (environment === undefined) return []
    return [
      `sluice:environment: is "${environment}", but the plan ${name} has no environments; take the line out, or add environments to the plan`,
    ]
  }
  const known = environments.join(', ')
  if (environment === undefined) {
    return [
      `sluice:environment: is missing; the plan ${name} has ${known}: pulumi config set sluice:environment ${environments[0]}`,
    ]
  }
  if (!environments.includes(environment)) {
    return [
      `sluice:environment: "${environment}" is none of the plan ${name}; give one of ${known}`,
    ]
  }
  if (clock !== 1 && environment === environments.at(-1) && !rehearsal) {
    return [
      `sluice:clock: is ${clock}, but ${environment} is the last environment and runs in real time; pulumi config set sluice:clock 1, or, for a rehearsal that is none in earnest, SLUICE_REHEARSAL=1`,
    ]
  }
  return []
}
