import type { ClusterApi, ClusterObject } from '../platforms/kubernetes/api.ts'
import {
  COLOUR_LABEL,
  type Place,
  podMetrics,
  pods,
  ROLLOUT_LABEL,
  SERVICE_LABEL,
} from '../platforms/kubernetes/names.ts'
import {
  type PodStatus,
  startSeconds,
  workingSetBytes,
} from '../platforms/kubernetes/pod-figures.ts'
import type { ProcessFigures } from '../platforms/local/process-figures.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import type { ColourName, Plan } from '../rollout/plan.ts'

/** metrics-server looks every fifteen seconds; what a pod took to start does not change. */
const EVERY_MS = 2_000

type Pod = ClusterObject & { status?: PodStatus }
type PodMetrics = ClusterObject & { containers?: { usage?: { memory?: string } }[] }

/**
 * What the cluster says of the pods of each colour: of several, the slowest start and the most
 * memory. Asked in the background; what was seen last is told.
 */
export class ClusterFigures {
  readonly #api: ClusterApi
  readonly #place: Place
  /** By pod: its first start, before anything that comes later takes its readiness away for a while. */
  readonly #starts = new Map<string, number>()
  #last: ProcessFigures[] = []
  #askedAt = Number.NEGATIVE_INFINITY
  /** Why the memory of pods is not known; undefined while it is. */
  memoryTrouble: string | undefined

  constructor(api: ClusterApi, place: Place) {
    this.#api = api
    this.#place = place
  }

  read(): ProcessFigures[] {
    if (performance.now() - this.#askedAt > EVERY_MS) {
      this.#askedAt = performance.now()
      void this.look().catch(() => {})
    }
    return this.#last
  }

  /** Asks once. @throws Unavailable where the API server does not answer */
  async look(): Promise<void> {
    const labelSelector = `${ROLLOUT_LABEL}=${this.#place.name},${COLOUR_LABEL}`
    const found = await this.#api.list<Pod>(pods(this.#place), { labelSelector })
    const memory = await this.#memory(labelSelector)
    for (const uid of this.#starts.keys()) {
      if (!found.some(({ metadata }) => metadata.uid === uid)) this.#starts.delete(uid)
    }
    const figures = new Map<string, ProcessFigures>()
    for (const { metadata, status } of found) {
      if (metadata.deletionTimestamp) continue
      const [service, color] = [SERVICE_LABEL, COLOUR_LABEL].map((key) => metadata.labels?.[key])
      if (service === undefined || color === undefined) continue
      const uid = String(metadata.uid)
      const seconds = this.#starts.get(uid) ?? startSeconds(status)
      if (seconds !== undefined) this.#starts.set(uid, seconds)
      const key = `${service} ${color}`
      const before = figures.get(key)
      figures.set(key, {
        service,
        color: color as ColourName,
        startSeconds: most(before?.startSeconds, seconds),
        residentBytes: most(before?.residentBytes, memory.get(metadata.name)),
      })
    }
    this.#last = [...figures.values()]
  }

  async #memory(labelSelector: string): Promise<Map<string, number>> {
    try {
      const found = await this.#api.list<PodMetrics>(podMetrics(this.#place), { labelSelector })
      this.memoryTrouble = undefined
      return new Map(
        found.map(({ metadata, containers = [] }) => [
          metadata.name,
          workingSetBytes(containers.map(({ usage }) => usage?.memory ?? '')),
        ]),
      )
    } catch (error) {
      this.memoryTrouble = (error as Error).message
      return new Map()
    }
  }
}

function most(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.max(one, other)
}

const MEMORY = 'sluice_process_resident_bytes'

/**
 * What people are told where the plan asks for the memory of processes and the cluster does not tell
 * it: such a gate stays inconclusive.
 * @param trouble why it is not told; undefined while it is
 */
export function memoryNews(
  plan: Plan,
  { name, namespace }: Place,
  trouble: string | undefined,
): Omit<RolloutEvent, 'at'> | undefined {
  if (trouble === undefined || !JSON.stringify(plan).includes(MEMORY)) return undefined
  return {
    kind: 'guard',
    message: `${MEMORY} is not there, as the cluster's metrics.k8s.io does not tell it (${trouble}), so what asks for it stays inconclusive; next: install metrics-server, or ask for max(container_memory_working_set_bytes{namespace="${namespace}",pod=~"${name}-.*-green-.*"})`,
    severity: 'warning',
  }
}
