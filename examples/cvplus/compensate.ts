import { command, must, words } from '../command.ts'
import { open } from '../database.ts'
import { SCHEMA } from './services.ts'

// What green of an orchestrator began and did not finish is begun again in blue, and marked here.

const { positionals } = words()

await command(async () => {
  const service = positionals[0]
  must(service !== undefined, 'give the name of a service')
  const green = open('CVPLUS_PACKAGES_URL', SCHEMA)
  const blue = open('CVPLUS_URL', SCHEMA)
  const left = await green.query<{ id: string }>(
    "select id from processing_jobs where service = $1 and state = 'begun'",
    [service],
  )
  for (const { id } of left) {
    await blue.query(
      "insert into processing_jobs values ($1, $2, 'begun') on conflict (id) do nothing",
      [id, service],
    )
    await green.query("update processing_jobs set state = 'compensated' where id = $1", [id])
  }
  await Promise.all([green.close(), blue.close()])
  return `compensated ${left.length} jobs of ${service}`
})
