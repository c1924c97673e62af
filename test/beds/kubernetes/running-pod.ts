import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from './monitoring.ts'
import type { Container, Pod } from './pod.ts'
import { type InputSources, PodInputs } from './pod-inputs.ts'
import { answers } from './pod-probe.ts'
import { podStatus } from './pod-status.ts'

/** What a pod needs of the node that it runs on. */
export interface Surroundings extends InputSources {
  /** Called once its process has ended for good. */
  over(): void
}

/** One pod as a process of this machine: begun, probed, begun again, ended as its spec says. */
export class RunningPod {
  readonly #pod: Pod
  readonly #address: string
  readonly #folder: string
  readonly #around: Surroundings
  readonly #inputs: PodInputs
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
    this.#inputs = new PodInputs(pod, address, folder, around)
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
    const mounts = await this.#inputs.mounts()
    const env = await this.#inputs.environment()
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
    const status = podStatus({
      container: this.#container.name,
      address: this.#address,
      phase,
      ready,
      runs: this.#child !== undefined,
      restarts: this.#restarts,
      message,
      exitCode,
      at: new Date(),
    })
    await this.#around.api
      .patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, 'merge', { status })
      .catch(() => {})
  }
}
