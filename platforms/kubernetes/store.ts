import type { z } from 'zod'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import { Corrupt } from '../platform.ts'
import { Conflict, type RolloutEvent, type Store } from '../store.ts'
import { journalSchema, latchSchema } from '../stored.ts'
import { ApiError, type ClusterApi, type ClusterObject } from './api.ts'
import { configMaps, type Kept, objectName, type Place, ROLLOUT_LABEL } from './names.ts'

/** So many events are kept in the cluster. */
export const KEPT_EVENTS = 300

type ConfigMap = ClusterObject & { data?: Record<string, string> }

/**
 * Latch, journal and history, each in a ConfigMap of its own that Pulumi does not manage. Every
 * write is compare-and-set by resourceVersion. Beside the latch stand its ceilings as plain values,
 * by which the cluster itself denies a rise.
 */
export class ConfigMapStore implements Store {
  readonly #api: ClusterApi
  readonly #place: Place
  /** The resourceVersion that a value was read at. */
  readonly #versions = new WeakMap<object, string>()
  /** The newest events that this process knows, oldest first. */
  readonly known: RolloutEvent[] = []

  constructor(api: ClusterApi, place: Place) {
    this.#api = api
    this.#place = place
  }

  readLatch(): Promise<Latch | undefined> {
    const remedy = 'pulumi up, which rebuilds it at green 0'
    return this.#read<Latch>('latch', latchSchema, remedy)
  }

  writeLatch(latch: Latch, over?: Latch | 'missing'): Promise<void> {
    const ceilings = Object.entries(latch.ceiling).map(([service, { green }]) => [
      `green.${service}`,
      String(green),
    ])
    const data = { ...Object.fromEntries(ceilings), latched: String(latch.latched) }
    return this.#write('latch', latch, over, data)
  }

  readJournal(): Promise<Journal | undefined> {
    return this.#read<Journal>('journal', journalSchema, 'sluice doctor --adopt')
  }

  writeJournal(journal: Journal, over?: Journal | 'missing'): Promise<void> {
    return this.#write('journal', journal, over, {})
  }

  async appendEvent(event: RolloutEvent): Promise<void> {
    this.known.push(event)
    this.known.splice(0, this.known.length - KEPT_EVENTS)
    for (;;) {
      const now = await this.#find('history')
      const events = eventsIn(now)
      events.push(event)
      const data = { events: JSON.stringify(events.slice(-KEPT_EVENTS)) }
      try {
        await this.#put('history', data, now ? (now.metadata.resourceVersion ?? '') : 'missing')
        return
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
      }
    }
  }

  /** The newest events, oldest first. */
  async readEvents(): Promise<RolloutEvent[]> {
    return eventsIn(await this.#find('history'))
  }

  #find(what: Kept): Promise<ConfigMap | undefined> {
    return this.#api.find<ConfigMap>(`${configMaps(this.#place)}/${objectName(this.#place, what)}`)
  }

  async #read<T extends object>(
    what: 'latch' | 'journal',
    schema: z.ZodType,
    remedy: string,
  ): Promise<T | undefined> {
    const found = await this.#find(what)
    const text = found?.data?.[what]
    if (found === undefined || text === undefined) return undefined
    const name = `ConfigMap ${this.#place.namespace}/${objectName(this.#place, what)}`
    const corrupt = (why: string): never => {
      throw new Corrupt(
        `${name} is corrupt: ${why}; next: kubectl delete configmap -n ${this.#place.namespace} ${objectName(this.#place, what)}, then ${remedy}`,
      )
    }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      return corrupt((error as Error).message)
    }
    const parsed = schema.safeParse(value)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      return corrupt(`${issue?.path.join('.')}: ${issue?.message}`)
    }
    this.#versions.set(value as object, found.metadata.resourceVersion ?? '')
    return value as T
  }

  async #write(
    what: 'latch' | 'journal',
    value: object,
    over: object | 'missing' | undefined,
    more: Record<string, string>,
  ): Promise<void> {
    const version = over === 'missing' || over === undefined ? over : this.#versions.get(over)
    if (over !== undefined && version === undefined)
      throw new Error(`what is replaced was not read`)
    const written = await this.#put(what, { ...more, [what]: JSON.stringify(value) }, version)
    this.#versions.set(value, written.metadata.resourceVersion ?? '')
  }

  /** @param version of what is replaced; `missing`: nothing stood; undefined: whatever stands */
  async #put(
    what: Kept,
    data: Record<string, string>,
    version: string | undefined,
  ): Promise<ConfigMap> {
    const name = objectName(this.#place, what)
    const folder = configMaps(this.#place)
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name,
        labels: { [ROLLOUT_LABEL]: this.#place.name },
        ...(version === undefined || version === 'missing' ? {} : { resourceVersion: version }),
      },
      data,
    }
    try {
      if (version === 'missing') return await this.#api.create<ConfigMap>(folder, body)
      return await this.#api.replace<ConfigMap>(`${folder}/${name}`, body)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.code === 404 && version === undefined) return this.#put(what, data, 'missing')
      // One that was deleted meanwhile is another one than was read.
      if (error.code === 409 || error.code === 404) {
        if (version === 'missing' && (await this.#emptied(what))) {
          return this.#put(what, data, undefined)
        }
        throw new Conflict(`ConfigMap ${name} was written by another process since it was read`)
      }
      throw error
    }
  }

  /** True for an object that is there and does not hold the value: somebody took its key out. */
  async #emptied(what: Kept): Promise<boolean> {
    const found = await this.#find(what)
    return found !== undefined && found.data?.[what === 'history' ? 'events' : what] === undefined
  }
}

function eventsIn(found: ConfigMap | undefined): RolloutEvent[] {
  try {
    return JSON.parse(found?.data?.['events'] ?? '[]') as RolloutEvent[]
  } catch {
    return []
  }
}
