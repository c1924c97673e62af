import { command } from '../command.ts'
import { open } from '../database.ts'

// "Remove feature flags": what is left of them to a machine is to say when that was.

await command(async () => {
  const store = open('RESUME_REVIEW_URL')
  await store.query(
    'create table if not exists removed_flags (name text primary key, at timestamptz not null default now())',
  )
  for (const name of ['use-new-auth', 'use-new-upload', 'use-new-ai', 'use-new-review']) {
    await store.query('insert into removed_flags (name) values ($1) on conflict do nothing', [name])
  }
  await store.close()
  return 'the flags are marked as removed'
})
