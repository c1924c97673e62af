import type { Plan } from '../../../rollout/plan.ts'
import { commandsIn } from '../../../rollout/plan-uses.ts'
import { environmentPlace, objectName, type Place, routeName } from '../names.ts'
import { type Manifest, metadata } from './common.ts'

/** Service accounts, and the least that each may do. */

export function hookAccess(place: Place, plan: Plan): Manifest[] {
  const map = (...what: Parameters<typeof objectName>[1][]) =>
    what.map((each) => objectName(place, each))
  const scheduled = isScheduled(plan)
  return account(place, objectName(place, 'hook'), [
    // `create` knows no names yet.
    { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
    {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: map('files'),
      verbs: ['get'],
    },
    {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: map('latch', 'journal', 'history', 'plan', 'flags'),
      verbs: ['get', 'update', 'patch'],
    },
    { apiGroups: [''], resources: ['secrets'], resourceNames: map('hook'), verbs: ['get'] },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: map('hook'),
      verbs: ['get', 'update'],
    },
    // `list` by a label cannot be limited to names.
    { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: ['list'] },
    {
      apiGroups: ['gateway.networking.k8s.io'],
      resources: ['httproutes'],
      resourceNames: Object.keys(plan.services).map((service) => routeName(place, service)),
      verbs: ['get', 'patch'],
    },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
    // How long a colour took to start, and what came of a Job, is in the status of its pods.
    { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
    { apiGroups: ['metrics.k8s.io'], resources: ['pods'], verbs: ['list'] },
    ...(makesJobs(plan) ? [JOBS] : []),
    ...(scheduled
      ? [
          {
            apiGroups: [''],
            resources: ['configmaps'],
            resourceNames: map('backups'),
            verbs: ['get'],
          },
        ]
      : []),
    ...otherEnvironments(place, plan),
  ])
}

/** Only where the plan has commands, or a schedule of backups: whoever makes Jobs can run anything in the namespace. */
const JOBS = {
  apiGroups: ['batch'],
  resources: ['jobs'],
  verbs: ['create', 'get', 'list', 'delete'],
}

const isScheduled = ({ backups }: Plan) =>
  Object.values(backups).some(({ priority }) => priority !== undefined)

/** Whether the hook itself runs anything as a Job. */
export const makesJobs = (plan: Plan): boolean => commandsIn(plan).length > 0 || isScheduled(plan)

/** What the other environments of the plan keep is read, never written. */
function otherEnvironments(place: Place, plan: Plan): object[] {
  const others = (plan.environments ?? [])
    .map((environment) => environmentPlace(place, plan, environment))
    .filter(({ name }) => name !== place.name)
  if (others.length === 0) return []
  const kept = (['latch', 'journal', 'history'] as const).flatMap((what) =>
    others.map((other) => objectName(other, what)),
  )
  return [{ apiGroups: [''], resources: ['configmaps'], resourceNames: kept, verbs: ['get'] }]
}

export function backupAccess(place: Place): Manifest[] {
  return account(place, `sluice-${place.name}-backup`, [
    {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [objectName(place, 'backups')],
      verbs: ['get', 'patch'],
    },
    { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
  ])
}

function account(place: Place, name: string, rules: object[]): Manifest[] {
  const rbac = 'rbac.authorization.k8s.io'
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(place, name) },
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata: metadata(place, name), rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: metadata(place, name),
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: place.namespace }],
    },
  ]
}
