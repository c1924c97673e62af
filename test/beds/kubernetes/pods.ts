// A small node: it runs pods as processes of this machine. No images, no isolation but a mount
// namespace; what it shows is what controllers, services and probes do, not a container runtime.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ClusterApi } from '../../../platforms/kubernetes/api.ts'
import type { PodMemory } from './metrics-server-stand-in.ts'
import type { Target } from './monitoring.ts'
import type { Pod } from './pod.ts'
import { RunningPod } from './running-pod.ts'

const NODE = 'bed'

/** Runs the pods of a cluster until the process ends. */
export class PodRunner {
  readonly #api: ClusterApi
  readonly #folder: string
  readonly #ca: string
  readonly #apiPort: number
  readonly #running = new Map<string, RunningPod>()
  readonly #onTargets: (targets: Target[]) => void
  #addresses = 1
  #version = ''

  constructor(
    api: ClusterApi,
    folder: string,
    ca: string,
    apiPort: number,
    onTargets: (targets: Target[]) => void,
  ) {
    this.#onTargets = onTargets

    this.#api = api
    this.#folder = folder
    this.#ca = ca
    this.#apiPort = apiPort
  }

  async start(): Promise<void> {
    await this.#api.create('/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: NODE },
    })
    void this.#follow()
  }

  /** Lists, then watches, and begins again when the watch ends, however it ends. */
  async #follow(): Promise<void> {
    for (;;) {
      try {
        const list = await this.#api.ask<{ metadata: { resourceVersion: string }; items: Pod[] }>(
          'GET',
          '/api/v1/pods',
        )
        this.#version = list.metadata.resourceVersion
        const there = new Set(list.items.map(({ metadata }) => metadata.uid))
        for (const [uid, pod] of this.#running) if (!there.has(uid)) pod.end(0)
        for (const pod of list.items) this.#see(pod)
        await this.#watch()
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  async #watch(): Promise<void> {
    const stream = await this.#api.open('GET', '/api/v1/pods', {
      query: { watch: 'true', resourceVersion: this.#version },
      timeoutMs: 3_600_000,
    })
    for await (const line of createInterface({ input: stream })) {
      const event = JSON.parse(line) as { type: string; object: Pod }
      if (event.type === 'ERROR') return
      if (event.type === 'DELETED') this.#running.get(String(event.object.metadata.uid))?.end(0)
      else this.#see(event.object)
    }
  }

  #see(pod: Pod): void {
    const uid = String(pod.metadata.uid)
    const known = this.#running.get(uid)
    if (pod.metadata.deletionTimestamp) {
      if (known) known.terminate(pod)
      else void this.#finish(pod)
      return
    }
    if (known || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return
    if (!pod.spec.nodeName) {
      void this.#bind(pod)
      return
    }
    const address = `10.244.${this.#addresses >> 8}.${this.#addresses++ & 255}`
    spawnSync('ip', ['addr', 'add', `${address}/32`, 'dev', 'lo'])
    const running = new RunningPod(pod, address, join(this.#folder, 'pods', uid), {
      api: this.#api,
      ca: this.#ca,
      apiPort: this.#apiPort,
      over: () => {
        this.#running.delete(uid)
        this.#tellTargets()
        spawnSync('ip', ['addr', 'del', `${address}/32`, 'dev', 'lo'])
        void this.#finish(pod)
      },
    })
    this.#running.set(uid, running)
    this.#tellTargets()
    void running.run()
  }

  /** The memory of each pod that runs now. */
  memory(): PodMemory[] {
    return [...this.#running.values()].flatMap(({ memory }) => memory ?? [])
  }

  #tellTargets(): void {
    this.#onTargets([...this.#running.values()].flatMap(({ target }) => target ?? []))
  }

  async #bind(pod: Pod): Promise<void> {
    const { name, namespace } = pod.metadata
    await this.#api
      .create(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name },
        target: { apiVersion: 'v1', kind: 'Node', name: NODE },
      })
      .catch(() => {})
  }

  async #finish({ metadata }: Pod): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`
    await this.#api
      .ask('DELETE', path, {
        body: { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } },
      })
      .catch(() => {})
  }
}
