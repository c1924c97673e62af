import { expect, it } from 'vitest'
import { manifestsOf } from '../../../platforms/kubernetes/manifests/all.ts'
import type { Manifest } from '../../../platforms/kubernetes/manifests/common.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'

const place = { name: 'shop', namespace: 'default' }
const code = { data: {}, binaryData: {}, hash: 'h' }
const declared = (changes: object = {}, operations: string[] = []): Manifest[] => {
  const { plan } = parsePlan({
    name: 'shop',
    services: {
      api: {
        blue: { existing: 'shop-v1', port: 80 },
        green: { image: 'shop:2', port: 8080 },
        metrics: '/own',
      },
    },
    steps: [50, 100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    runner: { image: 'tools:1' },
    ...changes,
  })
  return manifestsOf(place, { plan, clock: 1, keepBlue: true, code, operations })
}
const named = (all: Manifest[], kind: string, name: string) =>
  all.find((each) => each.kind === kind && each.metadata.name === name)
const sync = { sync: { run: ['sync'], until: 'retired', metrics: { port: 8393, path: '/lag' } } }

interface Rule {
  resources: string[]
  verbs: string[]
  resourceNames?: string[]
}
const rightsOf = (all: Manifest[]) =>
  (named(all, 'Role', 'sluice-shop-hook')?.['rules'] ?? []) as Rule[]

it('the hook may make Jobs only where the plan has commands, or a schedule of backups', () => {
  const mayMakeJobs = (changes: object) =>
    rightsOf(declared(changes)).some(
      ({ resources, verbs }) => resources.includes('jobs') && verbs.includes('create'),
    )
  expect(mayMakeJobs({})).toBe(false)
  expect(mayMakeJobs({ operations: sync })).toBe(false)
  expect(mayMakeJobs({ operations: { copy: { run: ['copy'], at: 'promoted' } } })).toBe(true)
  const backups = { orders: { postgres: 'env:ORDERS_URL', priority: 'high' } }
  expect(mayMakeJobs({ backups })).toBe(true)
})

it('the hook may read what other environments keep, and write nothing of it', () => {
  const rules = rightsOf(declared({ environments: ['staging', 'production'] }))
  const [others, ...more] = rules.filter(({ resourceNames }) =>
    resourceNames?.includes('sluice-shop-staging-latch'),
  )
  expect(others?.verbs).toEqual(['get'])
  expect(more).toEqual([])
})

it('an operation beside the rollout is one pod, there as long as it is declared', () => {
  const found = named(declared({ operations: sync }, ['sync']), 'Deployment', 'shop-sync-operation')
  expect(found?.['spec']).toMatchObject({
    replicas: 1,
    strategy: { type: 'Recreate' },
    template: {
      metadata: {
        annotations: { 'prometheus.io/port': '8393', 'prometheus.io/path': '/lag' },
      },
      spec: { automountServiceAccountToken: false, containers: [{ image: 'tools:1' }] },
    },
  })
  expect(named(declared({ operations: sync }), 'Deployment', 'shop-sync-operation')).toBeUndefined()
})

it('with the operator, hook, services and operations have a PodMonitor each', () => {
  const all = declared({ operations: sync, kubernetes: { operator: true } }, ['sync'])
  const monitors = all.filter(({ kind }) => kind === 'PodMonitor')
  expect(monitors.map(({ metadata }) => metadata.name)).toEqual([
    'sluice-shop-hook',
    'shop-api',
    'shop-sync-operation',
  ])
  expect(monitors.map(({ spec }) => spec)).toMatchObject([
    { podMetricsEndpoints: [{ port: 'api', path: '/metrics' }] },
    {
      selector: { matchLabels: { 'sluice.dev/rollout': 'shop', 'sluice.dev/service': 'api' } },
      podMetricsEndpoints: [{ port: 'http', path: '/own' }],
    },
    { podMetricsEndpoints: [{ port: 'metrics', path: '/lag' }] },
  ])
  expect(declared().some(({ kind }) => kind === 'PodMonitor')).toBe(false)
})
