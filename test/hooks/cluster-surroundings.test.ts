import { afterEach, beforeEach, expect, it } from 'vitest'
import { ClusterFigures, memoryNews } from '../../hooks/cluster-figures.ts'
import { clusterSurroundings, readPreviousIn } from '../../hooks/cluster-surroundings.ts'
import { ClusterApi } from '../../platforms/kubernetes/api.ts'
import { clearLatch } from '../../rollout/latch.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { json, Site } from '../site.ts'

const colour = (image: string) => ({ image, port: 8080 })
const { plan } = parsePlan({
  name: 'shop',
  environments: ['staging', 'production'],
  services: {
    api: { blue: colour('shop:1'), green: colour('shop:2') },
    web: { blue: { existing: 'old-web', port: 80 }, green: colour('web:2'), routes: ['/web'] },
  },
  steps: [50, 100],
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
})
const place = { name: 'shop-production', namespace: 'default' }

/** What a cluster keeps, by path and query; anything else is not there. */
let kept: Record<string, unknown>
let site: Site
let api: ClusterApi
beforeEach(async () => {
  kept = {}
  site = await Site.open(({ url }, response) => {
    const found = kept[decodeURIComponent(url)]
    if (found === undefined) json(response, { reason: 'NotFound', message: 'not found' }, 404)
    else json(response, found)
  })
  api = new ClusterApi({ server: site.url, options: async () => ({}) })
})
afterEach(() => site.close())

const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
const maps = '/api/v1/namespaces/default/configmaps'
const podsPath = '/api/v1/namespaces/default/pods?labelSelector='
const slice = (...addresses: string[]) => ({
  items: [{ addressType: 'IPv4', ports: [{ port: 8080 }], endpoints: [{ addresses }] }],
})

it('a colour is asked at each of its pods, by its own Service or by the one that runs already', async () => {
  const own = 'kubernetes.io/service-name=shop-production-api-green'
  kept[`${slices}?labelSelector=${own}`] = slice('10.0.0.1', '10.0.0.2')
  kept[`${slices}?labelSelector=kubernetes.io/service-name=old-web`] = slice('10.0.0.9')
  const around = clusterSurroundings(api, place)
  expect(await around.reach(plan, 'api', 'green', '/healthz')).toEqual([
    { url: 'http://10.0.0.1:8080/healthz', headers: {} },
    { url: 'http://10.0.0.2:8080/healthz', headers: {} },
  ])
  expect(await around.reach(plan, 'web', 'blue', '/')).toEqual([
    { url: 'http://10.0.0.9:8080/', headers: {} },
  ])
})

it('a colour without a ready pod is not passed over: its Service is named', async () => {
  kept[`${slices}?labelSelector=kubernetes.io/service-name=old-web`] = { items: [] }
  const asked = clusterSurroundings(api, place).reach(plan, 'web', 'blue', '/')
  await expect(asked).rejects.toThrow('no pod behind the Service old-web is ready')
})

it('files of the plan are those that the deployment has brought', async () => {
  const data = { 'files.json': JSON.stringify({ 'a/parity.http': 'GET /' }) }
  kept[`${maps}/sluice-shop-production-files`] = { metadata: { name: 'files' }, data }
  const around = clusterSurroundings(api, place)
  expect(await around.readFile('a/parity.http')).toBe('GET /')
  await expect(around.readFile('other.http')).rejects.toThrow('other.http is not in ConfigMap')
})

it('another environment is the rollout of its name beside this one', async () => {
  const around = clusterSurroundings(api, place)
  expect(await around.environment(plan, 'production')).toBe('here')
  expect(await around.environment(plan, 'staging')).toEqual({
    missing: 'no rollout shop-staging in namespace default',
  })
  expect(await readPreviousIn(api, place, plan, 'staging')).toBeUndefined()
  expect(await readPreviousIn(api, place, plan, 'production')).toBe('missing')
  const latch = clearLatch()
  const data = { latch: JSON.stringify(latch) }
  kept[`${maps}/sluice-shop-staging-latch`] = { metadata: { name: 'latch' }, data }
  expect(await around.environment(plan, 'staging')).toEqual({ latch, events: [] })
  kept[`${maps}/sluice-shop-staging-journal`] = { metadata: { name: 'j' }, data: { journal: '{' } }
  expect(await readPreviousIn(api, place, plan, 'production')).toMatchObject({
    unavailable: expect.stringContaining('default/shop-staging: '),
  })
})

it('figures are the slowest start and the most memory of a colour, and memory may be missing', async () => {
  const pod = (name: string, color: string, second: number) => ({
    metadata: {
      name,
      uid: name,
      labels: { 'sluice.dev/service': 'api', 'sluice.dev/color': color },
    },
    status: {
      conditions: [
        { type: 'Ready', status: 'True', lastTransitionTime: `2026-05-01T12:00:0${second}Z` },
      ],
      containerStatuses: [{ state: { running: { startedAt: '2026-05-01T12:00:00Z' } } }],
    },
  })
  const selector = 'sluice.dev/rollout=shop-production,sluice.dev/color'
  kept[podsPath + selector] = { items: [pod('a', 'green', 3), pod('b', 'green', 5)] }
  const figures = new ClusterFigures(api, place)
  await figures.look()
  const green = { service: 'api', color: 'green', startSeconds: 5 }
  expect(figures.read()).toEqual([green])
  const asks = { ...plan, gates: { memory: { query: 'max(sluice_process_resident_bytes)' } } }
  expect(memoryNews(plan, place, figures.memoryTrouble)).toBeUndefined()
  expect(memoryNews(asks as unknown as typeof plan, place, figures.memoryTrouble)?.message).toMatch(
    /metrics\.k8s\.io.*container_memory_working_set_bytes/,
  )
  kept[`/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=${selector}`] = {
    items: [
      { metadata: { name: 'a' }, containers: [{ usage: { memory: '2Mi' } }] },
      { metadata: { name: 'b' }, containers: [{ usage: { memory: '1Mi' } }] },
    ],
  }
  await figures.look()
  expect(figures.read()).toEqual([{ ...green, residentBytes: 2 * 2 ** 20 }])
  expect(figures.memoryTrouble).toBeUndefined()
})
