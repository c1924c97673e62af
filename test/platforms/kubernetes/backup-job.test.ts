import { afterEach, expect, test } from 'vitest'
import { ClusterApi } from '../../../platforms/kubernetes/api.ts'
import {
  type BackupOutcome,
  listBackups,
  recordOutcome,
} from '../../../platforms/kubernetes/backup-job.ts'
import { backupJob } from '../../../platforms/kubernetes/manifests/backup.ts'
import { KEPT } from '../../../platforms/local/backups.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import { json, Site } from '../../site.ts'

const place = { name: 'shop', namespace: 'default' }
const failed: BackupOutcome = { error: 'pg_dump: no such database', kind: 'refused' }
const takenAt = (second: number): BackupOutcome => ({
  record: {
    name: 'orders',
    id: String(second),
    takenAt: new Date(second * 1_000).toISOString(),
    tables: {},
    bytes: 1,
    location: `/backups/${second}`,
  },
})
const { plan } = parsePlan({
  name: 'shop',
  services: { api: { blue: { image: 'a:1', port: 1 }, green: { image: 'a:2', port: 1 } } },
  steps: [100],
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
  backups: { orders: { postgres: 'env:A' }, 'orders-v2': { postgres: 'env:B' } },
})
const jobOf = (second: number, backup = 'orders') =>
  backupJob(place, backup, plan, second * 1_000).metadata.name

let site: Site
afterEach(() => site.close())

/**
 * An API server that has the one ConfigMap, or none at first.
 * @param first statuses that it answers with before it does anything
 */
async function serving(...first: number[]): Promise<ClusterApi> {
  let data: Record<string, string> | undefined
  site = await Site.open(({ method, body }, response) => {
    const status = first.shift()
    const given = body === '' ? {} : (JSON.parse(body).data as Record<string, string | null>)
    if (status === 409) data = {}
    if (status !== undefined) return json(response, {}, status)
    if (method === 'GET' && !data) return json(response, {}, 404)
    if (method !== 'GET') {
      const merged = Object.entries({ ...data, ...given })
      data = Object.fromEntries(merged.filter((each): each is [string, string] => each[1] !== null))
    }
    json(response, { metadata: { name: 'sluice-shop-backups' }, data })
  })
  return new ClusterApi({ server: site.url, options: async () => ({}) })
}
const methods = () => site.asked.map(({ method }) => method)
const kept = async () =>
  Object.keys(
    ((await (await fetch(site.url)).json()) as { data: Record<string, string> }).data,
  ).sort()

test('the first outcome of a rollout makes the place where they stand, and the next is added', async () => {
  const api = await serving()
  await recordOutcome(api, place, jobOf(1), takenAt(1))
  await recordOutcome(api, place, jobOf(2), takenAt(2))
  expect(methods()).toEqual(['GET', 'POST', 'GET', 'PATCH'])
  expect(await listBackups(api, place)).toMatchObject([{ id: '1' }, { id: '2' }])
})

test('of two backups that are the first at the same time, none is lost', async () => {
  const api = await serving(404, 409)
  await recordOutcome(api, place, jobOf(1), takenAt(1))
  expect(methods()).toEqual(['GET', 'POST', 'GET', 'PATCH'])
  expect(await kept()).toEqual([jobOf(1)])
})

test('a refusal is told, and nothing else is tried', async () => {
  const api = await serving(403)
  await expect(recordOutcome(api, place, jobOf(1), failed)).rejects.toThrow()
  expect(methods()).toEqual(['GET'])
})

test('of each backup as many outcomes are kept as there are copies, and as many that failed', async () => {
  const api = await serving()
  await recordOutcome(api, place, jobOf(1, 'orders-v2'), takenAt(1))
  await recordOutcome(api, place, jobOf(2), failed)
  for (let second = 11; second <= 20; second++) {
    await recordOutcome(api, place, jobOf(second), takenAt(second))
  }
  const newest = Array.from({ length: KEPT }, (_, at) => jobOf(20 - at))
  expect(await kept()).toEqual([...newest, jobOf(2), jobOf(1, 'orders-v2')].sort())
  for (let second = 21; second <= 30; second++) {
    await recordOutcome(api, place, jobOf(second), failed)
  }
  const failures = Array.from({ length: KEPT }, (_, at) => jobOf(30 - at))
  expect(await kept()).toEqual([...newest, ...failures, jobOf(1, 'orders-v2')].sort())
})

test('an outcome that comes after many later ones is there for whoever waits for it', async () => {
  const api = await serving()
  for (let second = 11; second <= 20; second++) {
    await recordOutcome(api, place, jobOf(second), takenAt(second))
  }
  await recordOutcome(api, place, jobOf(1), takenAt(1))
  expect(await kept()).toContain(jobOf(1))
})
