import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { manifestsOf } from '../../../platforms/kubernetes/manifests/all.ts'
import { commandJob } from '../../../platforms/kubernetes/manifests/command.ts'
import type { Manifest } from '../../../platforms/kubernetes/manifests/common.ts'
import { routeManifest } from '../../../platforms/kubernetes/manifests/service.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import { split } from '../../../rollout/weights.ts'
import { expand } from '../../beds/kubernetes/expand.ts'

const place = { name: 'shop', namespace: 'default' }
const code = { data: {}, binaryData: {}, hash: 'h' }
const base = {
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
}
const declared = (changes: object = {}, operations: string[] = []): Manifest[] => {
  const { plan } = parsePlan({ ...base, ...changes })
  return manifestsOf(place, { plan, clock: 1, keepBlue: true, code, operations })
}
const named = (all: Manifest[], kind: string, name: string) =>
  all.find((each) => each.kind === kind && each.metadata.name === name)
const sync = { sync: { run: ['sync'], until: 'retired', metrics: { port: 8393, path: '/lag' } } }

interface Selecting {
  selector: object
}
interface Rule {
  resources: string[]
  verbs: string[]
  resourceNames?: string[]
}
interface Container {
  command?: string[]
  env?: { name: string; value?: string }[]
}
/** The pods that a manifest makes. */
const podOf = (manifest: Manifest | undefined) => {
  if (!manifest) throw new Error('there is no such manifest')
  return (manifest['spec'] as { template: { spec: { containers: Container[] } } }).template.spec
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

it('Prometheus has an alert for people where no hook was read', () => {
  const map = named(declared(), 'ConfigMap', 'sluice-shop-rules')
  const data = (map?.['data'] ?? {}) as Record<string, string>
  const { groups } = parse(data['default-shop.yml'] ?? '')
  expect(groups.at(-1).rules).toMatchObject([
    {
      alert: 'nobody-guards',
      expr: 'absent(sluice_weight{rollout="default/shop"})',
      labels: { severity: 'critical', rollout: 'default/shop' },
    },
  ])
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

const toggled = {
  services: {
    api: {
      blue: { image: 'shop:1', port: 8080 },
      green: { servedBy: 'api.blue', flag: 'new' },
      strategy: 'feature-toggle',
    },
  },
  flags: { new: {} },
}

it('one process that answers for both colours has a Service of each, and stays when blue goes', () => {
  const { plan } = parsePlan({ ...base, ...toggled })
  const all = manifestsOf(place, { plan, clock: 1, keepBlue: false, code })
  const colours = all.filter(({ metadata }) => metadata.labels?.['sluice.dev/color'] !== undefined)
  expect(colours.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'Deployment shop-api-blue',
    'PodDisruptionBudget shop-api-blue',
    'Service shop-api-blue',
    'Service shop-api-green',
  ])
  const [blue, green] = ['blue', 'green'].map(
    (colour) => named(all, 'Service', `shop-api-${colour}`)?.['spec'] as Selecting | undefined,
  )
  expect(green?.selector).toEqual(blue?.selector)
  expect(green?.selector).toMatchObject({ 'sluice.dev/color': 'blue' })
})

it('a request is given the bucket of its colour only where a flag follows one', () => {
  const bucketsOf = (changes: object) => {
    const { plan } = parsePlan({ ...base, ...changes })
    return JSON.stringify(routeManifest(place, plan, 'api', split(10))).match(
      /"x-sluice-bucket","value":"\d+"/g,
    )
  }
  expect(bucketsOf({})).toBeNull()
  const [blue, green] = ['"x-sluice-bucket","value":"99"', '"x-sluice-bucket","value":"0"']
  // Of the two rules that ask for a colour by name, and of everybody's.
  expect(bucketsOf(toggled)).toEqual([blue, green, blue, green])
})

it('what a plan says with a $ arrives as it stands there, and no $(NAME) in it is looked up', () => {
  const odd = 'a$$b $(PORT) $(NOBODY) $x $'
  const { plan } = parsePlan({
    ...base,
    services: {
      api: {
        blue: { existing: 'shop-v1', port: 80 },
        green: { image: 'shop:2', port: 8080, command: ['api', odd], environment: { ODD: odd } },
      },
    },
    operations: { sync: { run: ['sync', odd], until: 'retired', environment: { ODD: odd } } },
    kubernetes: { environment: { ODD: odd } },
  })
  const command = { what: 'copy', run: ['copy', odd], environment: { ODD: odd }, timeoutMs: 1 }
  const given = (manifest: Manifest | undefined) => {
    const [container] = podOf(manifest).containers
    const variables: Record<string, string> = {}
    for (const { name, value = '' } of container?.env ?? [])
      variables[name] = expand(value, variables)
    return {
      ...container,
      variables,
      line: container?.command?.map((text) => expand(text, variables)),
    }
  }
  const all = manifestsOf(place, { plan, clock: 1, keepBlue: true, code, operations: ['sync'] })
  const green = given(named(all, 'Deployment', 'shop-api-green'))
  expect(green.line).toEqual(['api', odd])
  expect(green.variables).toMatchObject({ PORT: '8080', ODD: odd })
  const sync = given(named(all, 'Deployment', 'shop-sync-operation'))
  expect(sync).toMatchObject({ line: ['sync', odd], variables: { ODD: odd } })
  expect(given(named(all, 'Deployment', 'sluice-shop-hook')).variables['ODD']).toBe(odd)
  const job = given(commandJob(place, plan, command))
  expect(job.variables['ODD']).toBe(odd)
  expect(JSON.parse(job.variables['SLUICE_COMMAND'] ?? '')).toMatchObject({ run: ['copy', odd] })
})
