import type { Plan } from '../../../rollout/plan.ts'
import type { Place } from '../names.ts'
import { backupAccess, hookAccess } from './access.ts'
import type { Manifest } from './common.ts'
import { filesConfigMap } from './files.ts'
import { codeConfigMap, hookDeployment, hookDisruptionBudget, hookNetworkPolicy } from './hook.ts'
import { monitorManifests } from './monitors.ts'
import { operationManifest } from './operation.ts'
import { rulesManifest } from './rules.ts'
import { colourManifests } from './service.ts'

export interface Declared {
  plan: Plan
  clock: number
  keepBlue: boolean
  /** The texts of the files that the plan names. */
  files?: Record<string, string>
  /** The operations that run beside the rollout now, by name. */
  operations?: readonly string[]
  code: { data: Record<string, string>; binaryData: Record<string, string>; hash: string }
}

/** Everything of a rollout but its routes, in an order in which it may be made. */
export function manifestsOf(
  place: Place,
  { plan, clock, keepBlue, files = {}, operations = [], code }: Declared,
): Manifest[] {
  const colours = Object.keys(plan.services).flatMap((service) => [
    ...(keepBlue ? colourManifests(place, plan, service, 'blue') : []),
    ...colourManifests(place, plan, service, 'green'),
  ])
  return [
    codeConfigMap(place, code),
    filesConfigMap(place, files),
    ...hookAccess(place, plan),
    ...(Object.keys(plan.backups).length > 0 ? backupAccess(place) : []),
    ...colours,
    ...operations.map((name) => operationManifest(place, plan, name)),
    rulesManifest(place, plan, clock),
    ...monitorManifests(place, plan, operations),
    hookDeployment(place, plan, code.hash),
    hookDisruptionBudget(place),
    hookNetworkPolicy(place),
  ]
}
