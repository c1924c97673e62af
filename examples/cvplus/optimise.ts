import { command } from '../command.ts'
import { open } from '../database.ts'

// After the last phase: statistics of the packages' tables are made anew.

await command(async () => {
  const store = open('CVPLUS_PACKAGES_URL')
  await store.query('analyze')
  await store.close()
  return 'analysed the tables of the packages'
})
