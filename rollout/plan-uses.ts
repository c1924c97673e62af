import { plannedOperations } from './operations.ts'
import type { Plan } from './plan.ts'

/** What a plan needs of the place where it is carried out. Pure reading of the plan. */

/** Every file that the plan names, with the place that names it; relative to the project. */
export function filesOf(plan: Plan): { place: string; file: string }[] {
  return Object.entries(plan.gates).flatMap(([name, { replay, cases, load }]) =>
    Object.entries({ replay, cases, 'load.requests': load?.requests }).flatMap(([field, file]) =>
      file === undefined ? [] : [{ place: `gates.${name}.${field}`, file }],
    ),
  )
}

/** Where the plan has commands that are run and end, each by its place. */
export function commandsIn(plan: Plan): string[] {
  return [
    ...plannedOperations(plan).map(({ place }) => place),
    ...Object.entries(plan.operations).flatMap(([name, { down }]) =>
      down ? [`operations.${name}.down`] : [],
    ),
    ...Object.entries(plan.gates).flatMap(([name, { run }]) => (run ? [`gates.${name}.run`] : [])),
    ...Object.entries(plan.guardrails).flatMap(([name, { then }]) =>
      typeof then === 'object' && 'run' in then ? [`guardrails.${name}.then.run`] : [],
    ),
    ...Object.entries(plan.external).flatMap(([name, { check }]) =>
      check ? [`external.${name}.check`] : [],
    ),
  ]
}

/** The operations that run beside the rollout, by name. */
export function supervisedIn(plan: Plan): string[] {
  return Object.keys(plan.operations).filter((name) => plan.operations[name]?.until)
}
