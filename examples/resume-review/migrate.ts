import { command, words } from '../command.ts'
import { open } from '../database.ts'

// One backwards compatible migration, up and down again ("alembic downgrade -1"): the new review
// keeps its score; the old one neither reads nor writes it. Each may be run again and again.

await command(async () => {
  const way = words().positionals[0]
  const store = open('RESUME_REVIEW_URL')
  switch (way) {
    case 'up':
      await store.query('alter table reviews add column if not exists score int')
      break
    case 'down':
      await store.query('alter table reviews drop column if exists score')
      break
    default:
      throw new Error('give up or down')
  }
  await store.close()
  return `migrated ${way}`
})
