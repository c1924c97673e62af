import { randomUUID } from 'node:crypto'
import type { Store } from '../database.ts'
import type { Metrics } from '../metrics.ts'
import type { Routes } from '../service.ts'

/** How long a job works; what is begun when traffic goes back is drained, or compensated. */
const WORK_MS = 100

/** The jobs of an orchestrator: begun by a POST, done a little later, kept in processing_jobs. */
export function jobRoutes(name: string, store: Store, metrics: Metrics): Routes {
  let inFlight = 0
  metrics.gauge('jobs_in_flight', () => inFlight)
  const finish = async (id: string) => {
    try {
      await store.query(
        "update processing_jobs set state = 'done' where id = $1 and state = 'begun'",
        [id],
      )
    } catch (error) {
      console.error(`ERROR JobNotFinished: ${(error as Error).message}`)
    } finally {
      inFlight -= 1
    }
  }
  return {
    [`POST /${name}/jobs`]: async ({ body }) => {
      const id = typeof body['id'] === 'string' ? body['id'] : randomUUID()
      await store.query(
        "insert into processing_jobs values ($1, $2, 'begun') on conflict (id) do nothing",
        [id, name],
      )
      inFlight += 1
      setTimeout(() => void finish(id), body['long'] === true ? 60_000 : WORK_MS)
      return { status: 202, body: { id, state: 'begun' } }
    },
    [`GET /${name}/jobs/:id`]: async ({ params }) => {
      const sql = 'select state from processing_jobs where id = $1 and service = $2'
      const [job] = await store.query<{ state: string }>(sql, [params['id'], name])
      return { body: { id: params['id'], state: job?.state ?? 'unknown' } }
    },
  }
}
