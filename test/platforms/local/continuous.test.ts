import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ArchiveWatch } from '../../../hooks/archive-watch.ts'
import { readArchiving, setArchiving, systemOf } from '../../../platforms/local/archive.ts'
import { switchWal, untilArchived } from '../../../platforms/local/archive-point.ts'
import { keeperOf, readArchiveState } from '../../../platforms/local/archive-state.ts'
import { type Environment, resolveDatabase } from '../../../platforms/local/backup-source.ts'
import { listBackups, takeBackup } from '../../../platforms/local/backups.ts'
import { usableBases } from '../../../platforms/local/base-backup.ts'
import { rebuildDatabases } from '../../../platforms/local/disaster.ts'
import { figuresOf } from '../../../platforms/local/fingerprint.ts'
import { ARCHIVE_LIMITS } from '../../../platforms/local/push-script.ts'
import {
  type RestoreOptions,
  restoreBackup,
  restoreToMoment,
} from '../../../platforms/local/restore.ts'
import { removeDeadCopies, withRestoredCluster } from '../../../platforms/local/restored-cluster.ts'
import { SEGMENT_BYTES } from '../../../platforms/local/wal.ts'
import { archiveHealth } from '../../../rollout/archiving.ts'
import type { Backup } from '../../../rollout/plan.ts'
import { planSchema } from '../../../rollout/plan.ts'
import { Server } from './server.ts'

const backup: Backup = {
  postgres: 'env:ORDERS_URL',
  priority: 'critical',
  before: 'every-step',
  maximumAge: 900_000,
  verify: 'restore',
}
const ON = { timeoutSeconds: 60 }

let server: Server
let environment: Environment
const lines: string[] = []

const orders = () => resolveDatabase('orders', backup.postgres, environment)
const take = (over: Partial<Backup> = {}) =>
  takeBackup(server.layout, 'orders', { ...backup, ...over }, environment, (line) =>
    lines.push(line),
  )
const restoreTo = (to: Date | 'latest', options: RestoreOptions = {}) =>
  restoreToMoment(server.layout, 'orders', backup, to, { environment, ...options })
const write = (t: string) => server.query('orders', 'insert into orders (t) values ($1)', [t])
const state = async () => {
  const found = await readArchiveState(server.layout)
  if (!found) throw new Error('nothing is archived')
  return found
}
const system = () => systemOf(orders())
const segments = () =>
  readdir(join(server.layout.archive.repository, 'archive'), { recursive: true })

beforeAll(async () => {
  server = await Server.start(['orders'])
  environment = { ORDERS_URL: server.url('orders') }
  await server.query('orders', 'create table orders (id bigserial primary key, t text)')
  await server.query('orders', 'insert into orders (t) select i from generate_series(1, 2000) i')
})
afterAll(() => server?.remove())
afterEach(async () => {
  for (const name of await server.databases('orders_%')) {
    await server.query('postgres', `drop database "${name}" with (force)`)
  }
})

describe('continuous archiving', () => {
  it('begins on a cluster that stands, under writers, and restarts nothing', async () => {
    const started = () => server.query('postgres', 'select pg_postmaster_start_time()::text as at')
    const before = (await started()).rows
    await expect(take()).rejects.toThrow('is not archived; next: pulumi up')
    const writer = startWriter()
    await setArchiving(server.layout, ON)
    await setArchiving(server.layout, ON)
    await writer.past(20)
    expect(await writer.stop()).toBeGreaterThan(20)
    expect((await started()).rows).toEqual(before)
    expect(await readArchiving(server.layout)).toEqual({ system: await system(), ...ON })
    expect(archiveHealth(await state(), Date.now()).state).toBe('beginning')
  })

  it('takes a base backup where there is none, and proves a place in the WAL while writers run', async () => {
    const writer = startWriter()
    await writer.past(5)
    const before = await rows('orders')
    const record = await take()
    await writer.stop()
    expect(await rows('orders')).toBeGreaterThan(before)
    const held = Number(record.tables['public.orders']?.rows)
    expect(held).toBeGreaterThanOrEqual(before)
    expect(held).toBeLessThanOrEqual(await rows('orders'))
    expect(record.restorable?.to).toBe(record.takenAt)
    expect(Date.parse(record.restorable?.from ?? '')).toBeLessThan(Date.now() + 1_000)
    expect(await listBackups(server.layout)).toEqual([record])
    expect(lines.join('\n')).toMatch(/base backup of the cluster.*restored and compared 1 table/s)
    expect(archiveHealth(await state(), Date.now()).state).toBe('well')
    expect(await readdir(dirname(server.layout.postgres.data))).not.toContainEqual(
      expect.stringMatching(/^restored-/),
    )
  })

  it('keeps everything for its owner alone', async () => {
    const { folder } = server.layout.archive
    const open: string[] = []
    for (const name of ['.', ...(await readdir(folder, { recursive: true }))]) {
      const found = await stat(join(folder, name))
      if ((found.mode & 0o077) !== 0) open.push(name)
    }
    expect(open).toEqual([])
  })

  it('restores to a moment between two writes exactly the rows of then', async () => {
    await write('first')
    const then = await serverTime()
    await write('second')
    const [live, figures] = [await rows('orders'), await figuresOf(orders())]
    const restored = await restoreTo(then)
    expect(restored.database).toMatch(/^orders_restored_/)
    const found = await server.query(restored.database, 'select t from orders order by id desc')
    expect(found.rows[0].t).toBe('first')
    expect(found.rows).toHaveLength(live - 1)
    expect(Date.parse(restored.reached ?? '')).toBeLessThanOrEqual(then.getTime())
    expect(await figuresOf(orders())).toEqual(figures)
    const early = await restoreTo(new Date('2020-01-01T00:00:00Z')).catch((error) => error.message)
    expect(early).toMatch(/is before the first moment that the archive can restore, \d{4}-/)
  })

  it('restores a record into its place, and keeps the live one under another name', async () => {
    const [record] = await listBackups(server.layout)
    if (!record) throw new Error('no record')
    const live = await rows('orders')
    const restored = await restoreBackup(server.layout, record, {
      environment,
      overwriteLive: true,
    })
    expect(restored.tables).toEqual(record.tables)
    expect(await rows('orders')).toBe(Number(record.tables['public.orders']?.rows))
    expect(await rows(restored.replaced as string)).toBe(live)
  })

  it('loses nothing when PostgreSQL is killed in the middle, and a restored copy archives nothing', async () => {
    const writer = startWriter()
    await writer.past(30)
    await server.crash()
    const committed = await writer.stop()
    await write('after the crash')
    const figures = await figuresOf(orders())
    const found = await server.query(
      'orders',
      `select count(*)::int as count from orders where t like '${writer.name} %'`,
    )
    expect(found.rows[0].count).toBeGreaterThanOrEqual(committed)
    await untilArchived(server.layout, orders(), await switchWal(orders()))
    const base = (await usableBases(server.layout, await system())).at(-1)
    const before = await segments()
    const from = { system: await system(), base: base?.label ?? '', target: 'latest' } as const
    await withRestoredCluster(
      server.layout,
      from,
      () => {},
      async (copy) => {
        const database = copy.database('orders')
        expect(await figuresOf(database)).toEqual(figures)
        await switchWal(database)
        const client = new pg.Client(database.secretUrl)
        await client.connect()
        const shown = await client.query(`select current_setting('archive_mode') as mode,
        current_setting('archive_command') as command, current_setting('data_directory') as data`)
        await client.end()
        expect(shown.rows[0]).toMatchObject({ mode: 'off', command: '(disabled)' })
        // Even where it is told to by hand.
        const { data } = shown.rows[0]
        const segment = (await readdir(join(data, 'pg_wal'))).find((name) => name.length === 24)
        expect(await runPush(data, `pg_wal/${segment}`)).not.toBe(0)
        expect(await readFile(server.layout.archive.failure, 'utf8')).toContain(
          'is not the same as option pg1-path',
        )
        const dead = join(dirname(server.layout.postgres.data), 'restored-999999-1-aaaaaaaa')
        await mkdir(dead)
        await removeDeadCopies(server.layout)
        expect([existsSync(dead), existsSync(copy.folder)]).toEqual([false, true])
      },
    )
    expect(await segments()).toEqual(before)
    await untilArchived(server.layout, orders(), await switchWal(orders()))
    expect(existsSync(server.layout.archive.failure)).toBe(false)
  })

  it('goes on when what archives is killed, and misses no file', async () => {
    let killed = 0
    while (killed < 2) {
      const segment = await switchWal(orders())
      const deadline = performance.now() + 20_000
      for (;;) {
        const pid = await pidOfPush()
        if (pid !== undefined) {
          process.kill(pid, 'SIGKILL')
          killed += 1
          break
        }
        if (!(await waits(segment)) || performance.now() > deadline) break
      }
    }
    await untilArchived(server.layout, orders(), await switchWal(orders()))
    // Of every file since the base backup it is seen that it is there.
    expect((await take({ verify: 'list' })).verifiedAt).toBeDefined()
  })

  it('is refused for a database of another server, and for rows that are in no WAL', async () => {
    const elsewhere = { ORDERS_URL: 'postgres://sluice@127.0.0.1:5999/orders' }
    await expect(takeBackup(server.layout, 'orders', backup, elsewhere)).rejects.toThrow(
      'env:ORDERS_URL is no database of local.postgres',
    )
    await server.query('orders', 'create unlogged table fast (a int); insert into fast values (1)')
    await expect(take()).rejects.toThrow('public.fast is unlogged')
    await server.query('orders', 'drop table fast')
  })

  it('lets the database go on when the repository takes nothing, tells, and begins anew', async () => {
    const told: string[] = []
    const record = async ({ message }: { message: string }) => void told.push(message)
    const world = { charge: { plan, planHash: '', clock: 1 } }
    const archive = keeperOf(server.layout)
    const watch = new ArchiveWatch({ world, archive, operations: { record } }, 0)
    const stanza = join(server.layout.archive.repository, 'archive', `sluice-${await system()}`)
    const folders = (await readdir(stanza, { recursive: true, withFileTypes: true }))
      .filter((each) => each.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name))
    await setArchiving(server.layout, ON, { ...ARCHIVE_LIMITS, free: 2 ** 52 })
    await switchWal(orders())
    await expect
      .poll(async () => (await state()).failure?.said, { timeout: 60_000 })
      .toMatch(/^only \d+ kB are free on the disk of the repository/)
    // Two files may wait.
    await setArchiving(server.layout, ON, { waiting: 2 * SEGMENT_BYTES, free: 0 })
    for (const folder of folders) await chmod(folder, 0o500)
    try {
      await switchWal(orders())
      // It fails already, for want of room: that it fails for the other reason is what is waited for.
      await expect
        .poll(async () => (await state()).failure?.said, { timeout: 60_000 })
        .toMatch(/ermission denied/)
      expect(archiveHealth(await state(), Date.now()).state).toBe('failing')
      watch.consider()
      await expect.poll(() => told.join('\n'), { timeout: 60_000 }).toContain('ermission denied')
      for (let file = 0; file < 3; file += 1) {
        await write('while the repository is dead')
        await switchWal(orders())
      }
      await expect
        .poll(async () => archiveHealth(await state(), Date.now()).state, { timeout: 60_000 })
        .toBe('broken')
      await expect
        .poll(async () => (await state()).waiting, { timeout: 60_000 })
        .toBeLessThanOrEqual(2 * SEGMENT_BYTES)
      await expect(restoreTo('latest')).rejects.toThrow('does not lead up to now')
      await write('and still it writes')
    } finally {
      for (const folder of folders) await chmod(folder, 0o700)
      await setArchiving(server.layout, ON, ARCHIVE_LIMITS)
    }
    const begun = await take({ verify: 'list' })
    expect(Date.parse(begun.restorable?.from ?? '')).toBeGreaterThan(Date.now() - 60_000)
    expect(archiveHealth(await state(), Date.now()).state).toBe('well')
    watch.consider()
    await expect.poll(() => told.join('\n'), { timeout: 60_000 }).toContain('archiving goes on')
    await watch.stop()
  })

  it('rebuilds everything on a server that was made anew, up to the last transaction', async () => {
    await write('the very last')
    await untilArchived(server.layout, orders(), await switchWal(orders()))
    const lost = await figuresOf(orders())
    const anew = await Server.start([])
    try {
      for (const folder of ['archive', 'backups'] as const) {
        await cp(join(server.layout.home, folder), join(anew.layout.home, folder), {
          recursive: true,
        })
      }
      await ownAll(anew.layout.archive.folder)
      await setArchiving(anew.layout, ON)
      const [rebuilt] = await rebuildDatabases(anew.layout, plan, {
        ORDERS_URL: anew.url('orders'),
      })
      expect(rebuilt?.tables).toEqual(lost)
    } finally {
      await anew.remove()
    }
  })
})

const url = 'http://127.0.0.1:9001'
const plan = planSchema.parse({
  name: 'shop',
  services: { api: { blue: { url }, green: { url } } },
  steps: [100],
  backups: { orders: { postgres: 'env:ORDERS_URL', priority: 'critical' } },
  local: { postgres: { databases: { orders: 'ORDERS_URL' } } },
})

async function rows(database: string): Promise<number> {
  const found = await server.query(database, 'select count(*)::int as count from orders')
  return found.rows[0].count
}

async function serverTime(): Promise<Date> {
  const found = await server.query('orders', 'select clock_timestamp() as at')
  // The time that is given has milliseconds: the next one is after all that was committed.
  const next = new Date((found.rows[0].at as Date).getTime() + 1)
  await expect.poll(() => Date.now()).toBeGreaterThan(next.getTime())
  return next
}

/** Inserts rows one by one until it is stopped or its session is cut. */
function startWriter() {
  const name = `writer ${Math.random().toString(36).slice(2)}`
  let written = 0
  let stopped = false
  const running = (async () => {
    const client = new pg.Client(server.url('orders'))
    client.on('error', () => {})
    await client.connect()
    while (!stopped) {
      const one = await client
        .query('insert into orders (t) values ($1)', [`${name} ${written}`])
        .catch(() => undefined)
      if (!one) break
      written += 1
    }
    await client.end().catch(() => {})
  })()
  return {
    name,
    past: (count: number) =>
      expect.poll(() => written, { timeout: 60_000, interval: 5 }).toBeGreaterThan(count),
    stop: async () => {
      stopped = true
      await running
      return written
    },
  }
}

const waits = async (segment: string) =>
  existsSync(join(server.layout.postgres.data, 'pg_wal', 'archive_status', `${segment}.ready`))

/** The pgBackRest that archives for this server. */
async function pidOfPush(): Promise<number | undefined> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    const [program, ...args] = line.split('\0')
    if (!program?.endsWith('pgbackrest') || !args.includes('archive-push')) continue
    if (args.includes(`--config=${server.layout.archive.config}`)) return Number(name)
  }
  return undefined
}

/** Runs archive_command by hand, as the server's user, in a data folder. */
function runPush(data: string, file: string): Promise<number | null> {
  const root = process.getuid?.() === 0
  const child = spawn(server.layout.archive.push, [file], {
    cwd: data,
    stdio: 'ignore',
    ...(root ? { uid: 65_534, gid: 65_534 } : {}),
  })
  return new Promise((resolve) => child.once('close', resolve))
}

/** Gives what was copied to the user that the server runs as. */
async function ownAll(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const child = spawn('chown', ['-R', '65534:65534', folder], { stdio: 'ignore' })
  await new Promise((resolve) => child.once('close', resolve))
}
