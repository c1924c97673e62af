import { expect, it } from 'vitest'
import { manifestsOf } from '../../../platforms/kubernetes/manifests/all.ts'
import { backupJob } from '../../../platforms/kubernetes/manifests/backup.ts'
import { commandJob } from '../../../platforms/kubernetes/manifests/command.ts'
import type { Manifest } from '../../../platforms/kubernetes/manifests/common.ts'
import { HOOK_PORT } from '../../../platforms/kubernetes/names.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'

const place = { name: 'shop', namespace: 'default' }
const { plan } = parsePlan({
  name: 'shop',
  services: {
    api: { blue: { image: 'shop:1', port: 8080 }, green: { image: 'shop:2', port: 8080 } },
  },
  steps: [50, 100],
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
  operations: { sync: { run: ['sync'], until: 'retired' } },
  backups: { orders: { postgres: 'env:ORDERS_URL', priority: 'high' } },
  runner: { image: 'tools:1' },
  kubernetes: { claim: 'backups', replicas: 3 },
})
const all = manifestsOf(place, {
  ...{ plan, clock: 1, keepBlue: true },
  code: { data: {}, binaryData: {}, hash: 'h' },
  operations: ['sync'],
})
const made = [
  ...all.filter(({ kind }) => kind === 'Deployment'),
  commandJob(place, plan, { what: 'copy', run: ['copy'], environment: {}, timeoutMs: 1_000 }),
  backupJob(place, 'orders', plan, 0),
]

interface Selector {
  matchLabels: Record<string, string>
}
interface Spec {
  replicas?: number
  strategy?: object
  selector: Selector
  template: {
    metadata: { labels: Record<string, string> }
    spec: {
      terminationGracePeriodSeconds?: number
      securityContext: { runAsUser: number }
      containers: {
        name: string
        securityContext: object
        lifecycle?: { preStop: { sleep: { seconds: number } } }
      }[]
      volumes: object[]
      topologySpreadConstraints?: { labelSelector: Selector }[]
    }
  }
}
const specOf = (manifest: Manifest) => manifest['spec'] as Spec
const named = (kind: string, name: string) => {
  const found = all.find((each) => each.kind === kind && each.metadata.name === name)
  if (!found) throw new Error(`no ${kind} ${name}`)
  return found
}
const colours = ['shop-api-blue', 'shop-api-green']

it('a pod of a colour serves on until every gateway has heard that it ends, and ends itself after', () => {
  for (const name of colours) {
    const { terminationGracePeriodSeconds, containers } = specOf(named('Deployment', name)).template
      .spec
    const [container] = containers
    const seconds = container?.lifecycle?.preStop.sleep.seconds ?? 0
    expect(seconds).toBe(5)
    expect(terminationGracePeriodSeconds).toBe(seconds + 25)
  }
})

it('a colour is never less than its replicas while it is updated, and one less while a node is drained', () => {
  for (const name of colours) {
    expect(specOf(named('Deployment', name))).toMatchObject({
      replicas: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    })
  }
})

it.each([...colours, 'sluice-shop-hook'])(
  'the disruption budget of %s is that of its own pods',
  (name) => {
    const { selector, template } = specOf(named('Deployment', name))
    expect(named('PodDisruptionBudget', name)['spec']).toEqual({ maxUnavailable: 1, selector })
    expect(template.metadata.labels).toMatchObject(selector.matchLabels)
    const others = all
      .filter(({ kind, metadata }) => kind === 'Deployment' && metadata.name !== name)
      .map((each) => specOf(each).template.metadata.labels)
    for (const labels of others) expect(labels).not.toMatchObject(selector.matchLabels)
  },
)

it('the hook has two replicas, on two nodes where there are two, and a new one before an old one ends', () => {
  const { replicas, strategy, selector, template } = specOf(named('Deployment', 'sluice-shop-hook'))
  expect(replicas).toBe(2)
  expect(strategy).toEqual({
    type: 'RollingUpdate',
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
  })
  expect(template.spec.topologySpreadConstraints).toMatchObject([
    { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', labelSelector: selector },
  ])
})

it.each(made.map((each) => [specOf(each).template.spec.containers[0]?.name, each] as const))(
  'a pod with the container %s has no more than a process needs',
  (_name, manifest) => {
    const { securityContext, containers, volumes } = specOf(manifest).template.spec
    expect(securityContext.runAsUser).toBeGreaterThan(0)
    for (const container of containers) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      })
    }
    const kinds = volumes.flatMap((volume) => Object.keys(volume)).filter((key) => key !== 'name')
    for (const kind of kinds) {
      expect(['configMap', 'emptyDir', 'persistentVolumeClaim']).toContain(kind)
    }
  },
)

it('the network policy of the hook lets its one port in, and selects no pod but the hook', () => {
  const spec = named('NetworkPolicy', 'sluice-shop-hook')['spec']
  expect(spec).toEqual({
    podSelector: specOf(named('Deployment', 'sluice-shop-hook')).selector,
    policyTypes: ['Ingress'],
    ingress: [{ ports: [{ protocol: 'TCP', port: HOOK_PORT }] }],
  })
})
