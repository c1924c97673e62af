import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { dumpOf } from '../../../platforms/local/backup-folder.ts'
import type { Environment } from '../../../platforms/local/backup-source.ts'
import { KEPT, listBackups, takeBackup } from '../../../platforms/local/backups.ts'
import { rebuildDatabases } from '../../../platforms/local/disaster.ts'
import { restoreBackup } from '../../../platforms/local/restore.ts'
import type { BackupRecord } from '../../../rollout/journal.ts'
import type { Backup } from '../../../rollout/plan.ts'
import { Server } from './server.ts'

const SECRET = 'p@ss/w0rd%20 x'

const backup: Backup = {
  postgres: 'env:ORDERS_URL',
  before: 'every-step',
  maximumAge: 900_000,
  verify: 'restore',
}

let server: Server
let environment: Environment
const lines: string[] = []

const take = (over: Partial<Backup> = {}, name = 'orders') =>
  takeBackup(server.layout, name, { ...backup, ...over }, environment, (line) => lines.push(line))

const folderOf = (record: BackupRecord) => join(server.layout.backups, record.name, record.id)

beforeAll(async () => {
  server = await Server.start(['orders'])
  const url = new URL(server.url('orders'))
  // Trusted on the socket, so that the password opens nothing; it must be kept secret all the same.
  url.password = encodeURIComponent(SECRET)
  environment = { ORDERS_URL: url.href }
  await server.query(
    'orders',
    `create table orders (id bigserial primary key, t text, at timestamptz default now(),
       amount numeric(12,2), ratio double precision, took interval, raw bytea);
     create schema "Odd ""schema";
     create table "Odd ""schema"."Ta.ble; drop" ("select" int, day date);
     create table empty ();
     create table parent (a int); create table child (b text) inherits (parent);
     create table parts (k int, v text) partition by list (k);
     create table parts_1 partition of parts for values in (1);
     insert into orders (t, amount, ratio, took, raw)
       select 'order ' || i, i * 1.5, 1.0 / i, i * interval '7 hours', decode(md5(i::text), 'hex')
       from generate_series(1, 2000) i;
     insert into "Odd ""schema"."Ta.ble; drop" values (1, '2027-01-02'), (null, null);
     insert into parent values (1); insert into child values (2, 'x');
     insert into parts values (1, 'one')`,
  )
})

afterAll(() => server?.remove())

afterEach(async () => {
  await rm(server.layout.backups, { recursive: true, force: true })
  lines.length = 0
})

describe('a backup', () => {
  it('holds every table of every schema with its rows and fingerprint, and is listed', async () => {
    const record = await take()
    expect(record.verifiedAt).toBeDefined()
    expect(Object.keys(record.tables).sort()).toEqual([
      'Odd "schema.Ta.ble; drop',
      'public.child',
      'public.empty',
      'public.orders',
      'public.parent',
      'public.parts_1',
    ])
    expect(record.tables['public.orders']?.rows).toBe('2000')
    expect(record.tables['public.parent']?.rows).toBe('1')
    expect(record.tables['public.empty']).toEqual({ rows: '0', fingerprint: '0' })
    expect(await listBackups(server.layout)).toEqual([record])
    expect((await stat(dumpOf(folderOf(record)))).mode & 0o777).toBe(0o600)
    expect(await server.databases('sluice_scratch_%')).toEqual([])
  })

  it('is exact while writers run', async () => {
    const stop = new AbortController()
    const writers = [0, 1].map(() => write(stop.signal))
    await expect.poll(async () => rows('orders'), { timeout: 60_000 }).toBeGreaterThan(2_050)
    const before = await rows('orders')
    const record = await take()
    const after = await rows('orders')
    stop.abort()
    const written = (await Promise.all(writers)).reduce((sum, each) => sum + each, 0)
    expect(written).toBeGreaterThan(50)
    const held = Number(record.tables['public.orders']?.rows)
    expect(held).toBeGreaterThanOrEqual(before)
    expect(held).toBeLessThanOrEqual(after)
    const restored = await restoreBackup(server.layout, record, { environment })
    expect(await rows(restored.database)).toBe(held)
    await server.query('postgres', `drop database "${restored.database}"`)
  })

  it('keeps no secret in its manifest, its progress or its errors', async () => {
    const record = await take()
    const manifest = await readFile(join(folderOf(record), 'manifest.json'), 'utf8')
    const bad = new URL(environment['ORDERS_URL'] as string)
    bad.pathname = '/missing'
    const failed = await takeBackup(server.layout, 'orders', backup, { ORDERS_URL: bad.href }).then(
      () => 'taken',
      (error: Error) => error.message,
    )
    expect(failed).toMatch(/database missing cannot be reached.*does not exist/)
    const shown = [manifest, failed, JSON.stringify(record), ...lines].join('\n')
    expect(shown).toContain('env:ORDERS_URL')
    for (const spelling of [SECRET, encodeURIComponent(SECRET), 'w0rd']) {
      expect(shown).not.toContain(spelling)
    }
  })

  it('that is only to be listed is read to its end, and needs no scratch database', async () => {
    const record = await take({ verify: 'list' })
    expect(record.verifiedAt).toBeDefined()
    expect(lines.join('\n')).toContain('verified by list')
  })

  it('of some tables holds those alone, and never takes the place of the whole', async () => {
    const part = await take({ tables: ['parent', 'empty'] }, 'part')
    expect(Object.keys(part.tables)).toEqual(['public.empty', 'public.parent'])
    await expect(take({ tables: ['no_such_table'] }, 'part')).rejects.toThrow('no_such_table')
    await expect(
      restoreBackup(server.layout, part, { environment, overwriteLive: true }),
    ).rejects.toThrow('holds only parent, empty')
  })

  it('rebuilds everything on an empty server, table by table, and nothing where there is data', async () => {
    const plan = {
      name: 'shop',
      backups: { orders: backup, part: { ...backup, tables: ['orders'] } },
    }
    const lost: Environment = {
      ORDERS_URL: (environment['ORDERS_URL'] ?? '').replace('/orders?', '/rebuilt?'),
    }
    await expect(rebuildDatabases(server.layout, plan, lost)).rejects.toThrow('no verified copy')
    const whole = await take()
    await server.query('orders', "insert into orders (t) values ('newer')")
    const part = await take({ tables: ['orders'] }, 'part')
    await expect(rebuildDatabases(server.layout, plan, environment)).rejects.toThrow(
      'tables already',
    )
    const [rebuilt] = await rebuildDatabases(server.layout, plan, lost)
    expect(rebuilt).toMatchObject({
      database: 'rebuilt',
      from: [{ id: whole.id }, { id: part.id }],
    })
    expect(rebuilt?.tables).toEqual({ ...whole.tables, ...part.tables })
    const rows = Number(rebuilt?.tables['public.orders']?.rows)
    expect(rows).toBe(Number(whole.tables['public.orders']?.rows) + 1)
    // A new machine whose services have filled it, and whose copies since say nothing of what was lost.
    const lostAt = new Date(Date.parse(part.takenAt) + 1)
    await expect.poll(() => Date.now()).toBeGreaterThan(lostAt.getTime() + 1_000)
    await server.query('rebuilt', "insert into orders (t) values ('of the new machine')")
    await takeBackup(server.layout, 'orders', backup, lost)
    const [anew] = await rebuildDatabases(server.layout, plan, lost, {
      lostAt,
      overwriteLive: true,
    })
    expect(anew).toMatchObject({
      database: 'rebuilt',
      from: [{ id: whole.id }, { id: part.id }],
      tables: rebuilt?.tables,
      replaced: expect.stringMatching(/^rebuilt_replaced_/),
    })
    const aside = "select count(*)::int as n from orders where t = 'of the new machine'"
    expect((await server.query('rebuilt', aside)).rows).toEqual([{ n: 0 }])
    expect((await server.query(anew?.replaced as string, aside)).rows).toEqual([{ n: 1 }])
  })

  it('is refused where its variable is not set, or holds no address', async () => {
    const run = (value?: string) =>
      takeBackup(server.layout, 'orders', backup, { ORDERS_URL: value })
    await expect(run()).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('export ORDERS_URL='),
    })
    const odd = await run('mysql://u:hidden@h/x').catch((error: Error) => error.message)
    expect(odd).toContain('holds no address of a PostgreSQL database')
    expect(odd).not.toContain('hidden')
  })

  it('gives pg_dump no password by argument, and leaves nothing when that is killed', async () => {
    await holdPgDump()
    const taking = take().then(
      () => undefined,
      (error: Error) => error,
    )
    const pid = await expect
      .poll(() => sessionOf('pg_dump'), { timeout: 60_000 })
      .toBeGreaterThan(0)
      .then(() => pidOfProgram('pg_dump'))
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    const hidden = await readFile(`/proc/${pid}/environ`, 'utf8')
    expect([line.includes('w0rd'), hidden.includes(`PGPASSWORD=${SECRET}`)]).toEqual([false, true])
    process.kill(pid, 'SIGKILL')
    const error = await taking
    expect(error?.message).toMatch(/pg_dump: ended by SIGKILL/)
    expect(await listBackups(server.layout)).toEqual([])
    expect(await readdir(join(server.layout.backups, 'orders'))).toEqual([])
    expect(await server.databases('sluice_scratch_%')).toEqual([])
  })

  it('takes away what a killed run left, and nothing else', async () => {
    const whole = await take()
    const dead = await pidOfTheDead()
    const left = join(server.layout.backups, 'orders', '20200101T000000.000Z-aaaaaa')
    await mkdir(left, { recursive: true })
    const scratch = `sluice_scratch_${Math.floor(Date.now() / 1_000)}_aaaaaa`
    const working = { pid: dead, started: '1', scratch }
    await writeFile(join(left, 'working.json'), JSON.stringify(working))
    const running = join(server.layout.backups, 'orders', '20200101T000000.000Z-bbbbbb')
    await mkdir(running)
    const started = (await readFile('/proc/self/stat', 'utf8')).split(') ')[1]?.split(' ')[19]
    const mine = { pid: process.pid, started, scratch: 'sluice_scratch_1111111111_bbbbbb' }
    await writeFile(join(running, 'working.json'), JSON.stringify(mine))
    const young = `sluice_scratch_${Math.floor(Date.now() / 1_000)}_cccccc`
    const old = 'sluice_scratch_1500000000_dddddd'
    const others = ['sluice_scratch_other', 'my_sluice_scratch_1500000000_dddddd']
    for (const name of [scratch, young, old, ...others]) {
      await server.query('postgres', `create database ${name}`)
    }
    const record = await take()
    expect((await listBackups(server.layout)).map(({ id }) => id)).toEqual([whole.id, record.id])
    expect(existsSync(left)).toBe(false)
    expect(existsSync(running)).toBe(true)
    expect(await server.databases('%sluice_scratch%')).toEqual([...others, young].sort())
    for (const name of [young, ...others]) {
      await server.query('postgres', `drop database ${name}`)
    }
  })

  it(`replaces the oldest of ${KEPT} only after the new one is verified`, async () => {
    const first = await take({ verify: 'list' })
    for (let index = 1; index < KEPT; index += 1) {
      const id = `20200101T00000${index}.000Z-aaaaaa`
      const copy = join(server.layout.backups, 'orders', id)
      await cp(folderOf(first), copy, { recursive: true })
      const manifest = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8'))
      await writeFile(join(copy, 'manifest.json'), JSON.stringify({ ...manifest, id }))
    }
    const before = (await listBackups(server.layout)).map(({ id }) => id)
    expect(before).toHaveLength(KEPT)
    await takeBackup(server.layout, 'orders', backup, {
      ORDERS_URL: server.url('missing'),
    }).catch(() => {})
    expect((await listBackups(server.layout)).map(({ id }) => id)).toEqual(before)
    const last = await take({ verify: 'list' })
    const after = (await listBackups(server.layout)).map(({ id }) => id)
    expect(after).toEqual([...before.slice(1), last.id])
  })

  it('is unavailable, not refused, where the server is away', async () => {
    await expect(
      takeBackup(server.layout, 'orders', backup, {
        ORDERS_URL: `postgres://u@localhost/x?host=${encodeURIComponent(server.layout.home)}`,
      }),
    ).rejects.toMatchObject({ name: 'Unavailable' })
  })
})

describe('a restore', () => {
  it('goes into a new database and leaves the live one as it is', async () => {
    const record = await take()
    await server.query('orders', `insert into orders (t) values ('later')`)
    const live = await rows('orders')
    const restored = await restoreBackup(server.layout, record, { environment })
    expect(restored.database).toMatch(/^orders_restored_\d{8}t\d{6}$/)
    expect(restored.tables).toEqual(record.tables)
    expect(await rows('orders')).toBe(live)
    expect(await rows(restored.database)).toBe(Number(record.tables['public.orders']?.rows))
    await server.query('postgres', `drop database "${restored.database}"`)
  })

  it('never goes into a database that is there, nor the live one without being told', async () => {
    const record = await take()
    const live = await rows('orders')
    await expect(
      restoreBackup(server.layout, record, { environment, into: 'orders' }),
    ).rejects.toThrow(/orders is the live database/)
    await server.query('postgres', 'create database taken')
    await expect(
      restoreBackup(server.layout, record, { environment, into: 'taken' }),
    ).rejects.toThrow(/taken exists already/)
    expect(await server.databases('taken')).toEqual(['taken'])
    expect(await rows('orders')).toBe(live)
    await server.query('postgres', 'drop database taken')
  })

  it('in the place of the live one keeps that one, with its settings, under another name', async () => {
    await server.query('postgres', `alter database orders set search_path = "$user", public`)
    await server.query('postgres', `alter database orders set app.greeting = 'it''s'`)
    await server.query('postgres', 'revoke connect on database orders from public')
    const record = await take()
    await server.query('orders', `delete from orders`)
    const user = new pg.Client(server.url('orders'))
    user.on('error', () => {})
    await user.connect()
    const restored = await restoreBackup(server.layout, record, {
      environment,
      overwriteLive: true,
    })
    expect(restored.database).toBe('orders')
    expect(await rows('orders')).toBe(Number(record.tables['public.orders']?.rows))
    expect(await rows(restored.replaced as string)).toBe(0)
    const shown = await server.query(
      'orders',
      `select current_setting('search_path') as path, current_setting('app.greeting') as greeting,
         has_database_privilege('public', 'orders', 'connect') as open`,
    )
    expect(shown.rows[0]).toEqual({ path: '"$user", public', greeting: "it's", open: false })
    await user.end().catch(() => {})
    await server.query('postgres', `drop database "${restored.replaced}"`)
  })

  it('of a dump that was damaged fails before anything is made', async () => {
    const record = await take()
    await flipByte(dumpOf(folderOf(record)))
    const before = await server.databases()
    await expect(restoreBackup(server.layout, record, { environment })).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringMatching(/is corrupt: SHA-256 [0-9a-f]{64} .* [0-9a-f]{64} now/),
    })
    expect(await server.databases()).toEqual(before)
  })

  it('names the table and both figures where the record says otherwise', async () => {
    const record = await take()
    const figures = record.tables['public.orders'] as { rows: string; fingerprint: string }
    const before = await server.databases()
    const wrong = (change: Partial<typeof figures>) =>
      restoreBackup(
        server.layout,
        { ...record, tables: { ...record.tables, 'public.orders': { ...figures, ...change } } },
        { environment },
      )
    await expect(wrong({ rows: '7' })).rejects.toThrow(
      `table public.orders has 7 rows in the record, ${figures.rows} restored`,
    )
    await expect(wrong({ fingerprint: '42' })).rejects.toThrow(
      `fingerprint 42 in the record, ${figures.fingerprint} restored`,
    )
    expect(await server.databases()).toEqual(before)
  })

  it('of a backup whose folder is gone says where it looked', async () => {
    const record = await take({ verify: 'list' })
    await rm(folderOf(record), { recursive: true })
    await expect(restoreBackup(server.layout, record, { environment })).rejects.toThrow(
      folderOf(record),
    )
  })
})

async function rows(database: string): Promise<number> {
  const found = await server.query(database, 'select count(*) from only orders')
  return Number(found.rows[0].count)
}

/** Inserts, changes and deletes until told to stop; returns how many changes it made. */
async function write(signal: AbortSignal): Promise<number> {
  const client = new pg.Client(server.url('orders'))
  await client.connect()
  let changes = 0
  while (!signal.aborted) {
    await client.query(
      `insert into orders (t, amount) select 'new', random() from generate_series(1, 20)`,
    )
    await client.query('update orders set amount = amount + 1 where id = 1 + $1 % 2000', [changes])
    await client.query('delete from orders where id = (select max(id) from orders)')
    changes += 1
  }
  await client.end()
  return changes
}

async function flipByte(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  const at = Math.floor((await handle.stat()).size / 2)
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at)
  buffer[0] = (buffer[0] as number) ^ 0xff
  await handle.write(buffer, 0, 1, at)
  await handle.close()
}

/** Locks a table, so that a dump waits and can be caught. */
async function holdPgDump(): Promise<void> {
  const client = new pg.Client(server.url('orders'))
  await client.connect()
  await client.query('begin; lock table empty in access exclusive mode')
  onTestFinished(() => client.end())
}

async function sessionOf(program: string): Promise<number> {
  const found = await server.query(
    'postgres',
    `select pid from pg_stat_activity where datname = 'orders' and wait_event_type = 'Lock'
       and application_name in ('sluice', $1) and query like 'LOCK TABLE%'`,
    [program],
  )
  return found.rows[0]?.pid ?? 0
}

/** The child of this process that runs a program. */
async function pidOfProgram(program: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (!line.split('\0')[0]?.endsWith(`/${program}`)) continue
    if (line.includes(encodeURIComponent(dirname(server.layout.postgres.socketFolder)))) {
      return Number(pid)
    }
  }
  throw new Error(`${program} does not run`)
}

async function pidOfTheDead(): Promise<number> {
  const child = spawn('true')
  await new Promise((resolve) => child.once('exit', resolve))
  return child.pid as number
}
