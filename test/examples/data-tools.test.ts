import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { checkout } from '../../tools/checkout.ts'
import { freePorts } from '../e2e/free-ports.ts'
import { Cluster } from './cluster.ts'
import { runExample } from './program.ts'

let cluster: Cluster
let environment: Record<string, string>
let old: pg.Pool
let next: pg.Pool

beforeAll(async () => {
  cluster = await Cluster.create()
  await cluster.start()
  old = new pg.Pool({ connectionString: cluster.url }).on('error', () => undefined)
  await old.query('create database next')
  const url = cluster.url.replace('@/postgres?', '@/next?')
  next = new pg.Pool({ connectionString: url }).on('error', () => undefined)
  environment = { OLD_URL: cluster.url, NEW_URL: url }
  await old.query(`create table things (id int primary key, name text, tags text[], at timestamptz default now());
    insert into things (id, name, tags) select n, 'thing ' || n, array['a', 'b'] from generate_series(1, 1700) n`)
})
afterAll(async () => {
  await Promise.all([old?.end(), next?.end()])
  await cluster?.remove()
})

const all = async (pool: pg.Pool) =>
  (await pool.query('select * from things order by id')).rows as unknown[]

describe('an extraction', () => {
  const command = [
    'examples/extract.ts',
    '--from',
    'OLD_URL',
    '--to',
    'NEW_URL',
    '--tables',
    'things',
  ]

  it('copies every row, goes on where it was cut off, and changes nothing a second time', async () => {
    expect(await runExample(command, environment)).toBe('things: 1700 copied, 1700 there')
    expect(await all(next)).toEqual(await all(old))
    await next.query("delete from things where id::text > '5'")
    await next.query("update extraction_progress set last = '5'")
    const [{ n }] = (await old.query("select count(*)::int n from things where id::text > '5'"))
      .rows as [{ n: number }]
    expect(await runExample(command, environment)).toBe(`things: ${n} copied, 1700 there`)
    expect(await runExample(command, environment)).toBe('things: 0 copied, 1700 there')
    expect(await all(next)).toEqual(await all(old))
  })

  it('fails where rows of the source are missing in the target', async () => {
    await next.query('delete from things where id = 7')
    await expect(runExample(command, environment)).rejects.toThrow(
      'things: 1700 rows in the source, 1699 in the target',
    )
    await next.query('insert into things select * from json_populate_record(null::things, $1)', [
      JSON.stringify((await old.query('select * from things where id = 7')).rows[0]),
    ])
  })
})

describe('a synchronisation', () => {
  let child: ChildProcess
  let port: number

  beforeAll(async () => {
    port = await freePorts(1)
    const words = [
      '--blue',
      'OLD_URL',
      '--green',
      'NEW_URL',
      '--tables',
      'things',
      '--port',
      `${port}`,
    ]
    child = spawn(process.execPath, ['examples/sync.ts', ...words], {
      cwd: checkout,
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    await vi.waitFor(
      async () => {
        for (const pool of [old, next]) {
          const sql = "select 1 from pg_trigger where tgname = 'sync_note'"
          expect((await pool.query(sql)).rowCount).toBe(1)
        }
      },
      { timeout: 60_000 },
    )
  })
  afterAll(async () => {
    child?.kill('SIGTERM')
    await once(child, 'exit')
  })

  it('carries writes both ways, of either kind, and tells how far it is behind', async () => {
    await old.query("insert into things (id, name) values (5001, 'from old')")
    await next.query("insert into things (id, name, tags) values (6001, 'from new', '{x}')")
    await old.query("update things set name = 'changed' where id = 1")
    await next.query('delete from things where id = 2')
    await vi.waitFor(async () => expect(await all(next)).toEqual(await all(old)), {
      timeout: 60_000,
    })
    const names = (await old.query('select name from things where id in (1, 2, 6001) order by id'))
      .rows as { name: string }[]
    expect(names.map(({ name }) => name)).toEqual(['changed', 'from new'])
    const read = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    // Counted after it is done.
    await expect.poll(read).toMatch(/^sync_changes_total 4$/m)
    const metrics = await read()
    expect(metrics).toMatch(/^sync_lag_seconds [\d.]+$/m)
  })
})
