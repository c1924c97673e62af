// A small node: it runs pods as processes of this machine. No images, no isolation but a mount
// namespace; what it shows is what controllers, services and probes do, not a container runtime.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ClusterApi, ClusterObject } from '../../../platforms/kubernetes/api.ts'
import type { Target } from './monitoring.ts'

interface Env {
  name: string
  value?: string
  valueFrom?: {
    fieldRef?: { fieldPath: string }
    secretKeyRef?: { name: string; key: string; optional?: boolean }
    configMapKeyRef?: { name: string; key: string; optional?: boolean }
  }
}
interface Probe {
  httpGet?: { path?: string; port: number | string }
  periodSeconds?: number
  timeoutSeconds?: number
  failureThreshold?: number
}
interface Container {
  name: string
  command?: string[]
  args?: string[]
  env?: Env[]
  envFrom?: { secretRef?: { name: string; optional?: boolean } }[]
  ports?: { name?: string; containerPort: number }[]
  readinessProbe?: Probe
  lifecycle?: { preStop?: { sleep?: { seconds: number } } }
  volumeMounts?: { name: string; mountPath: string }[]
}
interface Volume {
  name: string
  configMap?: { name: string; optional?: boolean }
  secret?: { secretName: string }
  emptyDir?: object
  projected?: object
  persistentVolumeClaim?: { claimName: string }
}
export interface Pod extends ClusterObject {
  spec: {
    nodeName?: string
    serviceAccountName?: string
    automountServiceAccountToken?: boolean
    restartPolicy?: string
    terminationGracePeriodSeconds?: number
    containers: Container[]
    volumes?: Volume[]
  }
  status?: { phase?: string }
}

const NODE = 'bed'
const SERVICE_ACCOUNT = '/run/secrets/kubernetes.io/serviceaccount'

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

interface Surroundings {
  api: ClusterApi
  ca: string
  apiPort: number
  over(): void
}

class RunningPod {
  readonly #pod: Pod
  readonly #address: string
  readonly #folder: string
  readonly #around: Surroundings
  #child: ChildProcess | undefined
  #ending = false
  #ready: boolean | undefined
  #restarts = 0
  #probing: NodeJS.Timeout | undefined

  constructor(pod: Pod, address: string, folder: string, around: Surroundings) {
    this.#pod = pod
    this.#address = address
    this.#folder = folder
    this.#around = around
  }

  /** What Prometheus is to scrape of it, by the usual annotations. */
  get target(): Target | undefined {
    const { name, namespace = 'default', annotations = {} } = this.#pod.metadata
    if (annotations['prometheus.io/scrape'] !== 'true') return undefined
    return { name, namespace, address: `${this.#address}:${annotations['prometheus.io/port']}` }
  }

  get #container(): Container {
    return this.#pod.spec.containers[0] as Container
  }

  async run(): Promise<void> {
    try {
      await this.#begin()
    } catch (error) {
      if (this.#ending) return
      await this.#status('Pending', false, (error as Error).message)
      setTimeout(() => void (this.#ending || this.run()), 500)
    }
  }

  async #begin(): Promise<void> {
    const mounts = await this.#mounts()
    const env = await this.#environment()
    const { command = [], args = [], name } = this.#container
    if (command.length === 0) throw new Error('the bed has no images: give a command')
    mkdirSync(this.#folder, { recursive: true })
    const log = openSync(join(this.#folder, `${name}.log`), 'a')
    // A mount namespace of its own, in which /run is the pod's; nothing is quoted into the script.
    const script = [
      'mount -t tmpfs tmpfs /run',
      ...mounts.map((_, at) => `mkdir -p "$T${at}" && mount --bind "$F${at}" "$T${at}"`),
      'exec "$@"',
    ].join(' && ')
    const places = Object.fromEntries(
      mounts.flatMap(({ from, to }, at) => [
        [`F${at}`, from],
        [`T${at}`, to],
      ]),
    )
    const child = spawn('unshare', ['-m', 'sh', '-c', script, 'pod', ...command, ...args], {
      env: { PATH: process.env['PATH'], ...places, ...env } as NodeJS.ProcessEnv,
      stdio: ['ignore', log, log],
      cwd: process.cwd(),
    })
    this.#child = child
    child.once('exit', (code) => void this.#exited(code ?? 137))
    child.once('error', () => void this.#exited(127))
    await this.#status('Running', this.#container.readinessProbe === undefined)
    this.#probe()
  }

  async #exited(code: number): Promise<void> {
    this.#child = undefined
    clearTimeout(this.#probing)
    if (this.#ending) return this.#around.over()
    const policy = this.#pod.spec.restartPolicy ?? 'Always'
    if (policy === 'Never' || (policy === 'OnFailure' && code === 0)) {
      await this.#status(code === 0 ? 'Succeeded' : 'Failed', false, `exit code ${code}`, code)
      return
    }
    this.#restarts++
    await this.#status('Running', false, `exit code ${code}`)
    setTimeout(() => void (this.#ending || this.run()), Math.min(2_000, 200 * this.#restarts))
  }

  /** A deletion: the preStop, TERM, and KILL when its grace is over. */
  terminate(pod: Pod): void {
    if (this.#ending) return
    this.#ending = true
    const grace = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1_000
    const sleep = (this.#container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1_000
    void this.#status('Running', false, 'terminating')
    if (!this.#child) {
      this.#around.over()
      return
    }
    setTimeout(() => this.#child?.kill('SIGTERM'), Math.min(sleep, grace))
    setTimeout(() => this.#child?.kill('SIGKILL'), grace)
  }

  end(graceMs: number): void {
    this.#ending = true
    setTimeout(() => this.#child?.kill('SIGKILL'), graceMs)
  }

  #probe(): void {
    const probe = this.#container.readinessProbe
    const asked = probe?.httpGet
    if (!asked) return
    const port =
      typeof asked.port === 'number'
        ? asked.port
        : (this.#container.ports?.find(({ name }) => name === asked.port)?.containerPort ?? 0)
    let failures = 0
    const again = () => {
      const every = this.#ready ? (probe.periodSeconds ?? 10) * 1_000 : 100
      this.#probing = setTimeout(ask, every)
    }
    const ask = async () => {
      const ok = await answers(this.#address, port, asked.path ?? '/', probe.timeoutSeconds ?? 1)
      if (this.#ending || !this.#child) return
      failures = ok ? 0 : failures + 1
      const ready = ok || (this.#ready === true && failures < (probe.failureThreshold ?? 3))
      if (ready !== this.#ready) await this.#status('Running', ready)
      again()
    }
    void ask()
  }

  async #status(phase: string, ready: boolean, message = '', exitCode?: number): Promise<void> {
    this.#ready = ready
    const { name, namespace } = this.#pod.metadata
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const state = this.#child
      ? { running: { startedAt: at } }
      : exitCode === undefined
        ? { waiting: { reason: 'Waiting', message } }
        : { terminated: { exitCode, message, finishedAt: at } }
    const condition = (type: string, is: boolean) => ({
      type,
      status: is ? 'True' : 'False',
      lastTransitionTime: at,
    })
    await this.#around.api
      .patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, 'merge', {
        status: {
          phase,
          podIP: this.#address,
          podIPs: [{ ip: this.#address }],
          hostIP: '127.0.0.1',
          startTime: at,
          conditions: [
            condition('PodScheduled', true),
            condition('Initialized', true),
            condition('ContainersReady', ready),
            condition('Ready', ready),
          ],
          containerStatuses: [
            {
              name: this.#container.name,
              ready,
              restartCount: this.#restarts,
              image: 'none',
              imageID: 'none',
              started: phase === 'Running',
              state,
            },
          ],
        },
      })
      .catch(() => {})
  }

  async #environment(): Promise<Record<string, string>> {
    const from: Record<string, string> = {}
    for (const { secretRef } of this.#container.envFrom ?? []) {
      if (secretRef) Object.assign(from, texts(await this.#data('secrets', secretRef.name)))
    }
    for (const { name, value, valueFrom } of this.#container.env ?? []) {
      from[name] = value ?? (await this.#valueFrom(valueFrom))
    }
    return {
      ...from,
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(this.#around.apiPort),
      // All pods are on one loopback here: a program must listen on its pod's own address.
      HOST: this.#address,
    }
  }

  async #valueFrom(from: Env['valueFrom']): Promise<string> {
    const { metadata, spec } = this.#pod
    switch (from?.fieldRef?.fieldPath) {
      case 'metadata.name':
        return metadata.name
      case 'metadata.namespace':
        return String(metadata.namespace)
      case 'status.podIP':
        return this.#address
      case 'spec.serviceAccountName':
        return spec.serviceAccountName ?? 'default'
    }
    if (from?.secretKeyRef) {
      const { name, key } = from.secretKeyRef
      return String((await this.#data('secrets', name))[key] ?? '')
    }
    if (from?.configMapKeyRef) {
      const { name, key } = from.configMapKeyRef
      return String((await this.#data('configmaps', name))[key] ?? '')
    }
    return ''
  }

  async #mounts(): Promise<{ from: string; to: string }[]> {
    const { spec, metadata } = this.#pod
    const mounts: { from: string; to: string }[] = []
    for (const { name, mountPath } of this.#container.volumeMounts ?? []) {
      const volume = spec.volumes?.find((each) => each.name === name)
      if (mountPath.startsWith('/var/run/secrets') || volume?.projected) continue
      const claim = volume?.persistentVolumeClaim?.claimName
      // A claim outlives its pods; here it is a folder of the bed.
      const from =
        claim === undefined
          ? join(this.#folder, 'volumes', name)
          : join(this.#folder, '..', '..', 'claims', claim)
      mkdirSync(from, { recursive: true })
      if (volume?.configMap)
        this.#write(from, await this.#data('configmaps', volume.configMap.name))
      if (volume?.secret) this.#write(from, await this.#data('secrets', volume.secret.secretName))
      mounts.push({ from, to: mountPath.replace(/^\/var\/run\//, '/run/') })
    }
    if (spec.automountServiceAccountToken === false) return mounts
    const account = spec.serviceAccountName ?? 'default'
    const { status } = await this.#around.api.ask<{ status: { token: string } }>(
      'POST',
      `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${account}/token`,
      { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} } },
    )
    const from = join(this.#folder, 'volumes', 'service-account')
    const files = {
      token: status.token,
      'ca.crt': this.#around.ca,
      namespace: String(metadata.namespace),
    }
    this.#write(from, files)
    return [...mounts, { from, to: SERVICE_ACCOUNT }]
  }

  async #data(
    kind: 'secrets' | 'configmaps',
    name: string,
  ): Promise<Record<string, string | Buffer>> {
    const path = `/api/v1/namespaces/${this.#pod.metadata.namespace}/${kind}/${name}`
    const { data = {}, binaryData = {} } = await this.#around.api.get<
      ClusterObject & { data?: Record<string, string>; binaryData?: Record<string, string> }
    >(path)
    const decoded = (all: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(all).map(([key, value]) => [key, Buffer.from(value, 'base64')]),
      )
    if (kind === 'configmaps') return { ...data, ...decoded(binaryData) }
    return decoded(data)
  }

  #write(folder: string, files: Record<string, string | Buffer>): void {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const [name, content] of Object.entries(files)) {
      const file = join(folder, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content, { mode: 0o600 })
    }
  }
}

function texts(files: Record<string, string | Buffer>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([key, value]) => [key, String(value)]))
}

function answers(host: string, port: number, path: string, seconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = httpGet(
      { host, port, path, agent: false, timeout: seconds * 1_000 },
      (answer) => {
        answer.resume()
        resolve((answer.statusCode ?? 500) < 400)
      },
    )
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => resolve(false))
  })
}
