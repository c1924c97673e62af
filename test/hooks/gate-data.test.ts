import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Server } from '../platforms/local/server.ts'
import { GateStand } from './gate-stand.ts'

const NOWHERE = { blue: 'http://127.0.0.1:9', green: 'http://127.0.0.1:10' }
const TABLES = `
  drop table if exists orders, notes;
  create table orders (id int primary key, customer text not null, total numeric(8,2), at timestamptz);
  insert into orders select n, 'c' || n, n * 1.5, '2026-01-01T00:00:00Z' from generate_series(1, 20) n;
  create table notes (text text);
  insert into notes values ('a'), ('b'), ('b')`

let server: Server
let stand: GateStand | undefined
beforeAll(async () => {
  server = await Server.start(['old', 'new'])
  process.env['SLUICE_TEST_OLD'] = server.url('old')
  process.env['SLUICE_TEST_NEW'] = server.url('new')
})
afterAll(async () => {
  delete process.env['SLUICE_TEST_OLD']
  delete process.env['SLUICE_TEST_NEW']
  await server?.remove()
})
beforeEach(async () => {
  for (const database of ['old', 'new']) await server.query(database, TABLES)
})

async function judge(gate: Record<string, unknown> = {}) {
  const compare = { blue: 'env:SLUICE_TEST_OLD', green: 'env:SLUICE_TEST_NEW' }
  stand = new GateStand(NOWHERE, { data: { compare, ...gate } })
  try {
    return await stand.judge()
  } finally {
    stand.remove()
  }
}

describe('two databases', () => {
  it('are alike whatever order their rows stand in, and whatever green has besides', async () => {
    await server.query(
      'new',
      `update orders set customer = customer where id = 1; alter table orders add column since date;
       create table more (id int)`,
    )
    expect(await judge()).toEqual({
      result: 'passed',
      reason: '2 tables are alike by count, fingerprint',
    })
  })

  it('differ by rows that are lost, named by their key, and marked as lost', async () => {
    await server.query('new', 'delete from orders where id in (7, 8)')
    expect(await judge()).toEqual({
      result: 'failed',
      reason:
        '1 of 2 tables differ by count, fingerprint; public.orders: 20 rows in blue, 18 in green: 2 lost (7; 8)',
      lost: true,
    })
  })

  it('differ by rows that were changed, which is no loss', async () => {
    await server.query('new', 'update orders set total = 0 where id = 3')
    const judged = await judge({ tables: ['orders'] })
    expect(judged.reason).toMatch(/20 rows in blue, 20 in green: 1 changed \(3\)$/)
    expect(judged.lost).toBeUndefined()
  })

  it('do not hide a lost row behind one that was made up', async () => {
    await server.query('new', "update orders set id = 99, customer = 'x' where id = 3")
    expect(await judge({ by: ['count'] })).toMatchObject({ result: 'passed' })
    expect(await judge({ by: ['fingerprint'] })).toMatchObject({
      lost: true,
      reason: expect.stringMatching(/1 lost \(3\), 1 only in green \(99\)/),
    })
  })

  it('are told by figures where a table has no key', async () => {
    await server.query('new', "delete from notes where text = 'a'")
    expect(await judge()).toMatchObject({
      lost: true,
      reason: expect.stringMatching(/public\.notes: 3 rows in blue, 2 in green: 1 lost/),
    })
    await server.query('new', "insert into notes values ('c')")
    const judged = await judge()
    expect(judged.reason).toMatch(/public\.notes: 3 rows in both, but fingerprint/)
    expect(judged.lost).toBeUndefined()
  })

  it('name columns that are missing or of another type, and keys', async () => {
    await server.query(
      'new',
      `alter table orders drop column at; alter table orders alter total type numeric(10,2);
       alter table orders drop constraint orders_pkey`,
    )
    const { result, reason } = await judge({ tables: ['public.orders'], by: ['schema'] })
    expect(result).toBe('failed')
    for (const what of [
      'column total is numeric(8,2) in blue, numeric(10,2) in green',
      'column at (timestamp with time zone) is not in green',
      'PRIMARY KEY (id) is not in green',
    ]) {
      expect(reason).toContain(what)
    }
    expect((await judge({ tables: ['orders'] })).reason).toMatch(/columns that green has not: at/)
  })

  it('lose all rows of a table that is not there', async () => {
    await server.query('new', 'drop table notes')
    expect(await judge()).toMatchObject({
      lost: true,
      reason: expect.stringMatching(/public\.notes: is not in green, with 3 rows/),
    })
  })

  it('are alike where writes follow a moment later, again and again', async () => {
    let id = 1_000
    let writing = true
    const write = async () => {
      while (writing) {
        const row = `insert into orders values (${++id}, 'later', 1, null)`
        await server.query('old', row)
        await new Promise((done) => setTimeout(done, 300))
        await server.query('new', row)
      }
    }
    const writer = write()
    try {
      expect((await judge()).result).toBe('passed')
    } finally {
      writing = false
      await writer
    }
  })

  it('cannot be compared where an address is not set, or a server is away', async () => {
    const nowhere = { blue: 'env:SLUICE_TEST_NOT_SET', green: 'env:SLUICE_TEST_NEW' }
    expect(await judge({ compare: nowhere })).toEqual({
      result: 'inconclusive',
      reason: "SLUICE_TEST_NOT_SET, the address of blue's database, is not set",
    })
    process.env['SLUICE_TEST_AWAY'] = 'postgres://u:s3cret@127.0.0.1:9/x'
    const away = { blue: 'env:SLUICE_TEST_AWAY', green: 'env:SLUICE_TEST_NEW' }
    const judged = await judge({ compare: away })
    expect(judged.result).toBe('inconclusive')
    expect(judged.reason).not.toContain('s3cret')
    delete process.env['SLUICE_TEST_AWAY']
  })

  it('have something to compare, or are inconclusive', async () => {
    await server.query('old', 'drop table orders, notes')
    expect((await judge()).reason).toBe('blue has no table to compare')
    expect(await judge({ tables: ['orders'] })).toMatchObject({
      result: 'failed',
      reason: expect.stringMatching(/public\.orders: is not in blue/),
    })
  })
})
