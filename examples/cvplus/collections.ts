import { command } from '../command.ts'
import { open } from '../database.ts'
import { SCHEMA } from './services.ts'

// Makes the collections on both sides; those that are there stay as they are.

await command(async () => {
  for (const variable of ['CVPLUS_URL', 'CVPLUS_PACKAGES_URL']) {
    const store = open(variable, SCHEMA)
    await store.query('select 1')
    await store.close()
  }
  return 'the collections are there on both sides'
})
