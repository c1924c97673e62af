import { readFile } from 'node:fs/promises'
import { command, must } from '../command.ts'
import { open } from '../database.ts'

// "cp .env .env.migration.backup": the configuration is kept where the backups of the database take
// it along; kept again it is the same.

await command(async () => {
  const text = await readFile(new URL('service.env', import.meta.url), 'utf8')
  const store = open('HEXABUILDERS_URL')
  await store.query(
    'create table if not exists kept_configuration (name text primary key, text text not null)',
  )
  await store.query("insert into kept_configuration values ('.env', $1) on conflict do nothing", [
    text,
  ])
  const [kept] = await store.query<{ text: string }>(
    "select text from kept_configuration where name = '.env'",
  )
  await store.close()
  must(kept !== undefined, 'nothing was kept')
  return `kept ${kept.text.length} characters of the configuration`
})
