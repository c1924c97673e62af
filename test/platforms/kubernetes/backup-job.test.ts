import { afterEach, expect, test } from 'vitest'
import { ClusterApi } from '../../../platforms/kubernetes/api.ts'
import { type BackupOutcome, recordOutcome } from '../../../platforms/kubernetes/backup-job.ts'
import { json, Site } from '../../site.ts'

const place = { name: 'shop', namespace: 'default' }
const outcome: BackupOutcome = { error: 'pg_dump: no such database', kind: 'refused' }

let site: Site
afterEach(() => site.close())

/** An API server that answers with these, one after the other, and remembers what it was asked. */
async function answering(...statuses: number[]): Promise<ClusterApi> {
  site = await Site.open((_asked, response) => json(response, {}, statuses.shift() ?? 500))
  return new ClusterApi({ server: site.url, options: async () => ({}) })
}
const methods = () => site.asked.map(({ method }) => method)

test('the outcome of a backup is added to those of before', async () => {
  const api = await answering(200)
  await recordOutcome(api, place, 'job-1', outcome)
  expect(methods()).toEqual(['PATCH'])
})

test('the first outcome of a rollout makes the place where they stand', async () => {
  const api = await answering(404, 201)
  await recordOutcome(api, place, 'job-1', outcome)
  expect(methods()).toEqual(['PATCH', 'POST'])
})

test('of two backups that are the first at the same time, none is lost', async () => {
  const api = await answering(404, 409, 200)
  await recordOutcome(api, place, 'job-1', outcome)
  expect(methods()).toEqual(['PATCH', 'POST', 'PATCH'])
})

test('a refusal is told, and nothing else is tried', async () => {
  const api = await answering(403)
  await expect(recordOutcome(api, place, 'job-1', outcome)).rejects.toThrow()
  expect(methods()).toEqual(['PATCH'])
})
