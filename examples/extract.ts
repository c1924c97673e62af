import { command, must, words } from './command.ts'
import { open, type Store } from './database.ts'

/**
 * Copies tables from one database to another: `--from` and `--to` are variables with their
 * addresses, `--tables` a list. Rows go over by their key in batches, each with its place in one
 * transaction, so that it goes on where it was cut off; rows that are there stay. At the end every
 * row of the source must stand in the target.
 */

const BATCH = 500
const { option } = words()

await command(async () => {
  const [from, to] = [open(option('from')), open(option('to'))]
  await to.query(
    'create table if not exists extraction_progress (name text primary key, last text not null)',
  )
  const told: string[] = []
  for (const table of option('tables').split(',')) told.push(await extract(from, to, table))
  await Promise.all([from.close(), to.close()])
  return told.join('; ')
})

async function extract(from: Store, to: Store, table: string): Promise<string> {
  must(/^[a-z_][a-z0-9_]*$/.test(table), `${table}: is no name of a table`)
  const columns = await columnsOf(from, table)
  must(columns.length > 0, `${table}: is not in the source`)
  const key = columns[0]?.name as string
  await to.query(
    `create table if not exists ${table} (${columns
      .map(({ name, type }) => `${name} ${type}${name === key ? ' primary key' : ''}`)
      .join(', ')})`,
  )
  const names = columns.map(({ name }) => name).join(', ')
  let copied = 0
  const [before] = await to.query<{ last: string }>(
    'select last from extraction_progress where name = $1',
    [table],
  )
  for (let last = before?.last ?? ''; ; ) {
    const rows = await from.query<{ key: string; row: string }>(
      `select ${key}::text as key, row_to_json(t)::text as row from ${table} t
       where ${key}::text > $1 order by ${key}::text limit ${BATCH}`,
      [last],
    )
    if (rows.length === 0) break
    last = rows.at(-1)?.key as string
    copied += rows.length
    const reached = last
    await to.transaction(async (query) => {
      // What the synchronisation wrote meanwhile is newer, and stays.
      await query("select set_config('sluice.sync', 'on', true)")
      await query(
        `insert into ${table} (${names}) select ${names}
         from json_populate_recordset(null::${table}, $1) on conflict do nothing`,
        [`[${rows.map(({ row }) => row).join(',')}]`],
      )
      await query(
        `insert into extraction_progress values ($1, $2)
         on conflict (name) do update set last = $2`,
        [table, reached],
      )
    })
  }
  const count = async (store: Store) =>
    Number((await store.query<{ n: string }>(`select count(*) as n from ${table}`))[0]?.n)
  const [source, target] = [await count(from), await count(to)]
  must(target >= source, `${table}: ${source} rows in the source, ${target} in the target`)
  return `${table}: ${copied} copied, ${target} there`
}

async function columnsOf(store: Store, table: string): Promise<{ name: string; type: string }[]> {
  return store.query(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
     from pg_attribute a left join pg_index i
       on i.indrelid = a.attrelid and i.indisprimary and a.attnum = any(i.indkey)
     where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
     order by i.indrelid is null, a.attnum`,
    [table],
  )
}
