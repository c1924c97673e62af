import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ClusterApi } from '../../../platforms/kubernetes/api.ts'
import { kubeconfigAccess } from '../../../platforms/kubernetes/kubeconfig.ts'
import { checkout } from '../../../tools/checkout.ts'
import { BedDatabase } from './database.ts'
import { bedPrograms } from './programs.ts'
import { relay } from './relay.ts'
import { ADMIN_TOKEN, type BedSettings, CARRIED, PORTS } from './settings.ts'
import type { TestCluster, TestDatabase } from './test-cluster.ts'

/**
 * A cluster of real programs, rootless, in namespaces of its own: etcd, the API server, the
 * controllers, Traefik's Gateway, Prometheus, and pods as processes.
 */
export class BedCluster implements TestCluster {
  readonly folder: string
  readonly kubeconfig: string
  readonly api: ClusterApi
  readonly namespace = 'default'
  readonly part = {
    gateway: 'gateway',
    address: `http://127.0.0.1:${PORTS.gateway}`,
    metrics: `http://127.0.0.1:${PORTS.traefik}`,
    prometheus: `http://127.0.0.1:${PORTS.prometheus}`,
    operator: false,
    image: 'node:24-slim',
  }
  // No image is looked at: a pod is a process of this machine.
  readonly examples = { image: 'node:24-slim', folder: checkout }
  readonly runner = 'node:24'
  readonly standIn = true
  /** The gateway's and Prometheus' ports on this host. */
  readonly ports: Record<(typeof CARRIED)[number], number>
  readonly #child: ChildProcess
  readonly #closers: (() => void)[]
  readonly #said = new Set<string>()
  #heard: (() => void)[] = []

  private constructor(
    folder: string,
    child: ChildProcess,
    ports: BedCluster['ports'],
    closers: (() => void)[],
  ) {
    this.folder = folder
    this.ports = ports
    this.#child = child
    this.#closers = closers
    this.kubeconfig = join(folder, 'kubeconfig-outside')
    writeFileSync(this.kubeconfig, kubeconfigFor(folder, ports.api), { mode: 0o600 })
    this.api = new ClusterApi(kubeconfigAccess(undefined, this.kubeconfig))
  }

  /** Starts it; ready in some seconds once the programs are in the cache. */
  static async start({ throttle = '10ms' }: { throttle?: string } = {}): Promise<BedCluster> {
    const programs = await bedPrograms((line) => console.log(line))
    const folder = mkdtempSync(join(tmpdir(), 'sluice-k8s-'))
    const settings: BedSettings = { folder, programs, throttle }
    const child = spawn(
      'unshare',
      [
        ...['--user', '--map-root-user', '--net', '--pid', '--fork', '--mount', '--mount-proc'],
        '--kill-child',
        process.execPath,
        join(import.meta.dirname, 'inside.ts'),
        JSON.stringify(settings),
      ],
      { cwd: checkout, stdio: ['pipe', 'pipe', 'pipe'] },
    )
    let complaints = ''
    child.stderr?.on('data', (chunk) => {
      complaints = (complaints + chunk).slice(-4_000)
    })
    const lines: string[] = []
    let cluster: BedCluster | undefined
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout! }).on('line', (line) => {
        if (line === 'ready') resolve()
        lines.push(line)
        if (cluster) cluster.#hear(line)
      })
      child.once('exit', (code) =>
        reject(new Error(`the bed ended with ${code}: ${complaints}\n(its logs: ${folder}/logs)`)),
      )
    })
    const relays = await Promise.all(
      CARRIED.map((name) => relay({ port: 0 }, { path: join(folder, `${name}.sock`) })),
    )
    const ports = Object.fromEntries(CARRIED.map((name, at) => [name, relays[at]?.port]))
    cluster = new BedCluster(
      folder,
      child,
      ports as BedCluster['ports'],
      relays.map(({ close }) => close),
    )
    return cluster
  }

  get address(): string {
    return `http://127.0.0.1:${this.ports.gateway}`
  }

  get prometheus(): string {
    return `http://127.0.0.1:${this.ports.prometheus}`
  }

  openDatabase(names: string[]): Promise<TestDatabase> {
    return BedDatabase.start(this, names)
  }

  /** Takes a part away, as kill -9 does. */
  stop(name: 'api' | 'traefik' | 'prometheus' | 'controllers'): Promise<void> {
    return this.#tell(`stop ${name}`)
  }

  /** Gives it back; returns before it answers. */
  startAgain(name: 'api' | 'traefik' | 'prometheus' | 'controllers'): Promise<void> {
    return this.#tell(`start ${name}`)
  }

  /** What a part has written to its log. */
  log(name: string): string {
    return readFileSync(join(this.folder, 'logs', `${name}.log`), 'utf8')
  }

  async close(): Promise<void> {
    for (const close of this.#closers) close()
    const child = this.#child
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.stdin?.end()
      const hard = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await gone
      clearTimeout(hard)
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #tell(line: string): Promise<void> {
    this.#said.delete(`done ${line}`)
    this.#child.stdin?.write(`${line}\n`)
    while (!this.#said.has(`done ${line}`)) {
      await new Promise<void>((resolve) => this.#heard.push(resolve))
    }
  }

  #hear(line: string): void {
    this.#said.add(line)
    for (const resolve of this.#heard.splice(0)) resolve()
  }
}

function kubeconfigFor(folder: string, port: number): string {
  const ca = readFileSync(join(folder, 'certs', 'apiserver.crt')).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'bed',
        cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': ca },
      },
    ],
    users: [{ name: 'admin', user: { token: ADMIN_TOKEN } }],
    contexts: [{ name: 'bed', context: { cluster: 'bed', user: 'admin' } }],
    'current-context': 'bed',
  })
}
