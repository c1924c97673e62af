import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ClusterApi } from '../../../platforms/kubernetes/api.ts'
import { type BackupOutcome, recordOutcome } from '../../../platforms/kubernetes/backup-job.ts'

const place = { name: 'shop', namespace: 'default' }
const outcome: BackupOutcome = { error: 'pg_dump: no such database', kind: 'refused' }

let server: Server
afterEach(() => void server.close())

/** An API server that answers with these, one after the other, and remembers what it was asked. */
async function answering(...statuses: number[]): Promise<{ api: ClusterApi; asked: string[] }> {
  const asked: string[] = []
  server = createServer((request, response) => {
    asked.push(request.method ?? '')
    response.writeHead(statuses.shift() ?? 500).end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const api = new ClusterApi({ server: `http://127.0.0.1:${port}`, options: async () => ({}) })
  return { api, asked }
}

test('the outcome of a backup is added to those of before', async () => {
  const { api, asked } = await answering(200)
  await recordOutcome(api, place, 'job-1', outcome)
  expect(asked).toEqual(['PATCH'])
})

test('the first outcome of a rollout makes the place where they stand', async () => {
  const { api, asked } = await answering(404, 201)
  await recordOutcome(api, place, 'job-1', outcome)
  expect(asked).toEqual(['PATCH', 'POST'])
})

test('of two backups that are the first at the same time, none is lost', async () => {
  const { api, asked } = await answering(404, 409, 200)
  await recordOutcome(api, place, 'job-1', outcome)
  expect(asked).toEqual(['PATCH', 'POST', 'PATCH'])
})

test('a refusal is told, and nothing else is tried', async () => {
  const { api, asked } = await answering(403)
  await expect(recordOutcome(api, place, 'job-1', outcome)).rejects.toThrow()
  expect(asked).toEqual(['PATCH'])
})
