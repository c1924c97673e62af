import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { KubernetesPlatform } from '../../platforms/kubernetes/client.ts'
import { loadPlan } from '../../platforms/plan-file.ts'
import { admit } from '../../rollout/admission.ts'
import type { Plan, PlanInput } from '../../rollout/plan.ts'
import type { Refusal } from '../../rollout/refusal.ts'
import { greenOf } from '../../rollout/weights.ts'
import { checkout } from '../../tools/checkout.ts'
import { sluiceEnvironment } from '../../tools/environment.ts'
import type { BedCluster } from '../beds/kubernetes/cluster.ts'
import { installKubernetesStandIn } from '../standins/install-kubernetes-stand-in.ts'
import type { Result } from './test-stack.ts'

/** A stack on the real engine and a real cluster; its project and state are its own. */
export class ClusterStack {
  readonly cluster: BedCluster
  readonly place = { name: 'e2e', namespace: 'default' }
  readonly platform: KubernetesPlatform
  plan!: Plan
  planHash = ''
  readonly #folder: string
  readonly #environment: NodeJS.ProcessEnv
  #config: Record<string, unknown>

  private constructor(cluster: BedCluster) {
    this.cluster = cluster
    this.platform = new KubernetesPlatform(cluster.api, this.place)
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-'))
    this.#config = {
      'sluice:plan': join(this.#folder, 'e2e.plan.yaml'),
      'sluice:platform': 'kubernetes',
      'sluice:step': 'start',
    }
    const home = join(this.#folder, 'pulumi')
    this.#environment = {
      ...process.env,
      ...sluiceEnvironment(),
      KUBECONFIG: cluster.kubeconfig,
      PULUMI_BACKEND_URL: `file://${join(this.#folder, 'state')}`,
      PULUMI_HOME: home,
      PULUMI_CONFIG_PASSPHRASE: '',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      NO_COLOR: '1',
    }
    installKubernetesStandIn(home)
    mkdirSync(join(this.#folder, 'state'))
    writeFileSync(
      join(this.#folder, 'Pulumi.yaml'),
      stringify({
        name: 'sluice',
        main: join(checkout, 'stacks', 'index.ts'),
        runtime: { name: 'nodejs', options: { typescript: false } },
        plugins: { providers: [{ name: 'sluice', path: join(checkout, 'provider') }] },
      }),
    )
  }

  /** Makes the stack; nothing is deployed yet. */
  static async create(cluster: BedCluster, plan: PlanInput): Promise<ClusterStack> {
    const stack = new ClusterStack(cluster)
    writeFileSync(String(stack.#config['sluice:plan']), stringify(plan))
    const loaded = await loadPlan(String(stack.#config['sluice:plan']))
    stack.plan = loaded.plan
    stack.planHash = loaded.planHash
    const made = await stack.pulumi('stack', 'init', 'e2e')
    if (made.code !== 0) throw new Error(made.output)
    return stack
  }

  set(values: Record<string, unknown>): this {
    const keyed = Object.entries(values).map(([key, value]) => [`sluice:${key}`, value])
    this.#config = { ...this.#config, ...Object.fromEntries(keyed) }
    return this
  }

  preview(...flags: string[]): Promise<Result> {
    return this.pulumi('preview', '--diff', ...flags)
  }

  up(...flags: string[]): Promise<Result> {
    return this.pulumi('up', '--yes', '--skip-preview', ...flags)
  }

  pulumi(...args: string[]): Promise<Result> {
    const file = join(this.#folder, 'Pulumi.e2e.yaml')
    // The engine keeps the salt of the stack's secrets in this file.
    const before = existsSync(file) ? parse(readFileSync(file, 'utf8')) : {}
    writeFileSync(file, stringify({ ...before, config: this.#config }))
    const all = args[0] === 'stack' ? args : [...args, '-s', 'e2e']
    return new Promise((resolve, reject) => {
      const child = spawn('pulumi', all, {
        cwd: this.#folder,
        env: this.#environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      const keep = (chunk: Buffer) => {
        output += chunk
      }
      child.stdout.on('data', keep)
      child.stderr.on('data', keep)
      child.once('error', reject)
      child.once('close', (code) => resolve({ code: code ?? -1, output }))
    })
  }

  /** Waits until nothing holds a position, and goes there. */
  async step(position: string, seconds = 90): Promise<Result> {
    this.set({ step: position })
    const end = performance.now() + seconds * 1_000
    for (;;) {
      const held = await this.held(position)
      if (held.length === 0) return this.up()
      if (performance.now() > end) {
        throw new Error(held.map(({ place, message }) => `${place} ${message}`).join('\n'))
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async held(position: string): Promise<Refusal[]> {
    const attempt = Number(this.#config['sluice:attempt'] ?? 1)
    const { plan, planHash } = this
    const request = { plan, planHash, position, attempt, confirmed: [], clock: 1 }
    return admit(request, await this.platform.observe(), 'preview', attempt).refusals
  }

  async green(service: string): Promise<number> {
    return greenOf(await this.platform.readWeights(), service)
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
