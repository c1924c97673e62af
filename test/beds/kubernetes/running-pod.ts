import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { residentBytes } from '../../../platforms/local/processes.ts'
import { expand } from './expand.ts'
import type { PodMemory } from './metrics-server-stand-in.ts'
import { type Target, targetOf } from './monitoring.ts'
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
  #startedAt = new Date()
  #turnedAt = new Date()
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
    return targetOf(this.#pod, this.#address)
  }

  get #container(): Container {
    return this.#pod.spec.containers[0] as Container
  }

  /** Where its container leaves its last word, here and in its own tree. */
  get #outcome(): { from: string; to: string } | undefined {
    const to = this.#container.terminationMessagePath
    return to === undefined ? undefined : { from: join(this.#folder, 'outcome'), to }
  }

  /** The memory of its processes, as a metrics server tells it; undefined while it has none. */
  get memory(): PodMemory | undefined {
    const bytes = this.#child?.pid === undefined ? undefined : residentBytes(this.#child.pid)
    return bytes === undefined
      ? undefined
      : { pod: this.#pod, container: this.#container.name, bytes }
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
    const outcome = this.#outcome
    const env = await this.#inputs.environment()
    const { command = [], args = [], name } = this.#container
    if (command.length === 0) throw new Error('the bed has no images: give a command')
    const line = [...command, ...args].map((text) => expand(text, env))
    mkdirSync(this.#folder, { recursive: true })
    const log = openSync(join(this.#folder, `${name}.log`), 'a')
    // A mount namespace of its own, in which /run is the pod's; nothing is quoted into the script.
    const script = [
      'mount -t tmpfs tmpfs /run',
      ...mounts.map((_, at) => `mkdir -p "$T${at}" && mount --bind "$F${at}" "$T${at}"`),
      // The last word of a container is a file, bound over one in its own tree.
      ...(outcome
        ? ['mkdir -p "${T_OUT%/*}" && : > "$T_OUT" && mount --bind "$F_OUT" "$T_OUT"']
        : []),
      'exec "$@"',
    ].join(' && ')
    const places = Object.fromEntries(
      mounts.flatMap(({ from, to }, at) => [
        [`F${at}`, from],
        [`T${at}`, to],
      ]),
    )
    if (outcome) writeFileSync(outcome.from, '')
    const last = outcome ? { F_OUT: outcome.from, T_OUT: outcome.to } : {}
    this.#startedAt = new Date()
    const child = spawn('unshare', ['-m', 'sh', '-c', script, 'pod', ...line], {
      env: { PATH: process.env['PATH'], ...places, ...last, ...env } as NodeJS.ProcessEnv,
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
    if (this.#ending) return this.#over()
    const policy = this.#pod.spec.restartPolicy ?? 'Always'
    if (policy === 'Never' || (policy === 'OnFailure' && code === 0)) {
      const said = this.#outcome ? readFileSync(this.#outcome.from, 'utf8') : ''
      const phase = code === 0 ? 'Succeeded' : 'Failed'
      await this.#status(phase, false, said || `exit code ${code}`, code)
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
      this.#over()
      return
    }
    setTimeout(() => this.#child?.kill('SIGTERM'), Math.min(sleep, grace))
    setTimeout(() => this.#child?.kill('SIGKILL'), grace)
  }

  #over(): void {
    this.#inputs.close()
    this.#around.over()
  }

  end(graceMs: number): void {
    this.#ending = true
    this.#inputs.close()
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
    if (this.#ready !== ready) this.#turnedAt = new Date()
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
      startedAt: this.#startedAt,
      turnedAt: this.#turnedAt,
    })
    await this.#around.api
      .patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, 'merge', { status })
      .catch(() => {})
  }
}
