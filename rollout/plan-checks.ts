import type { Check, Parts } from './checks/check.ts'
import { coloursChecks } from './checks/colours.ts'
import { backupChecks, databaseChecks, flagChecks, operationChecks } from './checks/data.ts'
import { gateUseChecks } from './checks/gate-use.ts'
import { gateChecks } from './checks/gates.ts'
import { guardrailChecks } from './checks/guardrails.ts'
import {
  channelChecks,
  escalationChecks,
  limitChecks,
  reportChecks,
  retireChecks,
} from './checks/people.ts'
import { phaseChecks } from './checks/phases.ts'
import { portChecks } from './checks/ports.ts'
import { externalChecks, routeChecks, servicesChecks } from './checks/services.ts'
import { bakeChecks, stepChecks } from './checks/steps.ts'
import type { Keys } from './plan-parts.ts'
import type { Finding } from './plan-problems.ts'

const CHECKS: ((parts: Parts) => Check[])[] = [
  servicesChecks,
  coloursChecks,
  routeChecks,
  externalChecks,
  stepChecks,
  phaseChecks,
  bakeChecks,
  guardrailChecks,
  escalationChecks,
  gateChecks,
  gateUseChecks,
  operationChecks,
  backupChecks,
  flagChecks,
  channelChecks,
  limitChecks,
  reportChecks,
  retireChecks,
  databaseChecks,
  portChecks,
]

/**
 * What is wrong with a plan although its shape is right: numbers that do not rise, ports that
 * collide, gates nobody judges, names of nothing. Looks at the parts that have the right shape.
 *
 * @param shape what is wrong with the shape; nothing more is said of those places
 */
export function checkPlan(parts: Parts, shape: readonly Finding[]): Finding[] {
  const misshapen = shape.map(({ keys }) => keys)
  return CHECKS.flatMap((check) => check(parts))
    .filter(({ keys, rests }) => [keys, ...(rests ?? [])].every((at) => !touches(misshapen, at)))
    .map(({ keys, message }) => ({ keys, message }))
}

function touches(misshapen: readonly Keys[], place: Keys): boolean {
  return misshapen.some((keys) =>
    place.slice(0, keys.length).every((key, index) => key === keys[index]),
  )
}
