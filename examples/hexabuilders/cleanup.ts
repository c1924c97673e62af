import { command } from '../command.ts'
import { open } from '../database.ts'

// "cleanup-blue-environment.sh": the monolith's own campaign tables go, when it is gone itself.

await command(async () => {
  const store = open('HEXABUILDERS_URL')
  await store.query('drop table if exists campaign_performance, campaigns')
  await store.close()
  return "the monolith's campaign tables are gone"
})
