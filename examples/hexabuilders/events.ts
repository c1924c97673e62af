import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../database.ts'
import type { Metrics } from '../metrics.ts'

/** Says in the transaction of what happened that it did, so that neither is without the other. */
export async function publish(query: Store['query'], type: string, payload: object): Promise<void> {
  await query('insert into events (type, payload) values ($1, $2)', [type, JSON.stringify(payload)])
}

export interface Reader {
  /** One more at work beside the others; the number of them all. */
  more(): number
  stop(): void
}

/**
 * Reads every event of a type exactly once, whichever colour said it, and whoever else reads under
 * the same name: an event is handled and struck off in one transaction.
 * @param delayMs what each takes beside its work; a fault of the rehearsal
 */
export function read(
  store: Store,
  metrics: Metrics,
  name: string,
  type: string,
  handle: (query: Store['query'], payload: Record<string, unknown>) => Promise<void>,
  delayMs: () => number,
): Reader {
  let going = true
  let readers = 0
  let lag: number | undefined
  metrics.gauge('event_lag_seconds', () => lag)
  metrics.gauge('event_consumers', () => readers)
  metrics.add('events_handled_total', 0)

  const next = () =>
    store.transaction(async (query) => {
      const [event] = await query<{ id: string; payload: Record<string, unknown> }>(
        `select id, payload from events e where type = $1
           and not exists (select 1 from event_readings r where r.reader = $2 and r.event = e.id)
         order by id limit 1 for update skip locked`,
        [type, name],
      )
      if (!event) return false
      if (delayMs() > 0) await sleep(delayMs())
      await handle(query, event.payload)
      await query('insert into event_readings (reader, event) values ($1, $2)', [name, event.id])
      metrics.add('events_handled_total')
      return true
    })
  const work = async () => {
    while (going) {
      const found = await next().catch((error: Error) => {
        console.error(`ERROR EventFailed: ${error.message}`)
        return false
      })
      if (!found) await sleep(50)
    }
  }
  const look = async () => {
    while (going) {
      const [oldest] = await store
        .query<{ age: number | null }>(
          `select extract(epoch from clock_timestamp() - min(at))::float8 as age from events e
           where type = $1 and not exists
             (select 1 from event_readings r where r.reader = $2 and r.event = e.id)`,
          [type, name],
        )
        .catch(() => [])
      // What is not known is no lag of 0.
      lag = oldest ? (oldest.age ?? 0) : undefined
      await sleep(200)
    }
  }
  void look()
  const more = () => {
    readers += 1
    void work()
    return readers
  }
  more()
  return {
    more,
    stop: () => {
      going = false
    },
  }
}
