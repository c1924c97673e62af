import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { words } from './command.ts'
import { open, type Store } from './database.ts'
import { Metrics } from './metrics.ts'

/**
 * Keeps tables of two databases alike, both ways, until TERM. A trigger notes each write in
 * `sync_changes` in the same transaction, so that none is lost; this carries it over and strikes it
 * off. What it writes itself is not noted. Of two writes to one row the later wins.
 *
 * `--blue` and `--green` are variables with the addresses, `--tables` a list whose first column is
 * the key, `--port` where the metrics are.
 */

const { option } = words()
const tables = option('tables').split(',')
const metrics = new Metrics()
const blue = open(option('blue'))
const green = open(option('green'))
metrics.add('sync_changes_total', 0)
metrics.add('sync_failures_total', 0)

const SCHEMA = `
  create table if not exists sync_changes (
    id bigserial primary key, tbl text not null, op text not null, row jsonb not null,
    at timestamptz not null default clock_timestamp());
  create or replace function sync_note() returns trigger language plpgsql as $$
  begin
    if current_setting('sluice.sync', true) = 'on' then return null; end if;
    insert into sync_changes (tbl, op, row) values
      (tg_table_name, tg_op, to_jsonb(case when tg_op = 'DELETE' then old else new end));
    return null;
  end $$;`

/** Since when the oldest change of a side waits, of the monotonic clock; none: nothing waits. */
const waiting: Record<string, number | undefined> = {}
// As of now, and not of the last look: what cannot be carried over falls behind while it is tried.
metrics.gauge('sync_lag_seconds', () => {
  const since = Object.values(waiting).filter((at) => at !== undefined)
  return since.length === 0 ? 0 : Math.max(0, performance.now() - Math.min(...since)) / 1_000
})

let stopping = false
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stopping = true
  })
}
const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
  response.end(request.url === '/metrics' ? metrics.text() : 'ok')
}).listen(Number(option('port')), process.env['HOST'] ?? '127.0.0.1')

await Promise.all([follow('blue', blue, green), follow('green', green, blue)])
await Promise.all([blue.close(), green.close()])
server.close(() => process.exit(0))
server.closeAllConnections()

async function follow(name: string, from: Store, to: Store): Promise<void> {
  for (let prepared = false; !stopping; ) {
    try {
      prepared ||= await prepare(from)
      const carried = prepared ? await carry(name, from, to) : 0
      if (carried === 0) await sleep(50)
    } catch (error) {
      metrics.add('sync_failures_total')
      console.error(`ERROR SyncFailed: ${name}: ${(error as Error).message}`)
      await sleep(500)
    }
  }
}

/** False while a table is not there yet: before the extraction, the new side has none. */
async function prepare(store: Store): Promise<boolean> {
  for (const table of tables) {
    const [found] = await store.query<{ oid: string | null }>('select to_regclass($1) as oid', [
      table,
    ])
    if (!found?.oid) return false
  }
  await store.transaction(async (query) => {
    await query('select pg_advisory_xact_lock(4820119)')
    await query(SCHEMA)
    for (const table of tables) {
      await query(`create or replace trigger sync_note after insert or update or delete on ${table}
        for each row execute function sync_note()`)
    }
  })
  return true
}

interface Change {
  id: string
  tbl: string
  op: string
  row: string
  age: number
}

async function carry(name: string, from: Store, to: Store): Promise<number> {
  const changes = await from.query<Change>(
    `select id, tbl, op, row::text, extract(epoch from clock_timestamp() - at)::float8 as age
     from sync_changes order by id limit 200`,
  )
  waiting[name] = changes[0] && performance.now() - changes[0].age * 1_000
  if (changes.length === 0) return 0
  await to.transaction(async (query) => {
    await query("select set_config('sluice.sync', 'on', true)")
    for (const change of changes) await apply(query, change)
  })
  await from.query('delete from sync_changes where id = any($1)', [changes.map(({ id }) => id)])
  metrics.add('sync_changes_total', changes.length)
  return changes.length
}

async function apply(query: Store['query'], { tbl, op, row }: Change): Promise<void> {
  if (!tables.includes(tbl)) return
  const columns = Object.keys(JSON.parse(row) as object)
  const [found] = await query<{ key: string }>(
    `select attname as key from pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum limit 1`,
    [tbl],
  )
  const key = found?.key as string
  if (op === 'DELETE') {
    await query(
      `delete from ${tbl} where ${key} = (json_populate_record(null::${tbl}, $1)).${key}`,
      [row],
    )
    return
  }
  const names = columns.map((column) => `"${column}"`).join(', ')
  const sets = columns.map((column) => `"${column}" = excluded."${column}"`).join(', ')
  await query(
    `insert into ${tbl} (${names}) select ${names} from json_populate_record(null::${tbl}, $1)
     on conflict (${key}) do update set ${sets}`,
    [row],
  )
}
