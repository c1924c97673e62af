import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setArchiving } from '../../../platforms/local/archive.ts'
import type { Environment } from '../../../platforms/local/backup-source.ts'
import { takeBackup } from '../../../platforms/local/backups.ts'
import { restoreToMoment } from '../../../platforms/local/restore.ts'
import type { Backup } from '../../../rollout/plan.ts'
import { Server } from './server.ts'

const backup: Backup = {
  postgres: 'env:ORDERS_URL',
  priority: 'critical',
  before: 'every-step',
  maximumAge: 900_000,
  verify: 'restore',
}
let server: Server
let environment: Environment

beforeAll(async () => {
  server = await Server.start(['orders'])
  environment = { ORDERS_URL: server.url('orders') }
  await server.query('orders', 'create table orders (id bigserial primary key, t text)')
  await setArchiving(server.layout, { timeoutSeconds: 60 })
}, 60_000)
afterAll(() => server?.remove())

describe('a critical backup', () => {
  it('works', async () => {
    await server.query('orders', "insert into orders (t) select i from generate_series(1, 500) i")
    const record = await takeBackup(server.layout, 'orders', backup, environment, console.log)
    console.log(record)
    const restored = await restoreToMoment(server.layout, 'orders', backup, 'latest', { environment, progress: console.log })
    console.log(restored)
    expect(restored.tables).toEqual(record.tables)
  })
})
