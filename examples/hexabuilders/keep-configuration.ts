import { readFile } from 'node:fs/promises'
import { command, must, words } from '../command.ts'
import { open } from '../database.ts'

// "cp .env .env.migration.backup": the configuration is kept where the backups of the database take
// it along; kept again it is what stands in the file then.

await command(async () => {
  const file = words().positionals[0]
  must(file !== undefined, 'give the file, such as examples/hexabuilders/service.env')
  const text = await readFile(file, 'utf8')
  const store = open('HEXABUILDERS_URL')
  await store.query(
    'create table if not exists kept_configuration (name text primary key, text text not null)',
  )
  await store.query(
    `insert into kept_configuration values ('.env', $1)
     on conflict (name) do update set text = excluded.text`,
    [text],
  )
  const [kept] = await store.query<{ text: string }>(
    "select text from kept_configuration where name = '.env'",
  )
  await store.close()
  must(kept?.text === text, `what was kept is not what stands in ${file}`)
  return `kept ${kept.text.length} characters of the configuration`
})
