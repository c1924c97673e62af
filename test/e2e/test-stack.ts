import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { LocalPlatform } from '../../platforms/local/client.ts'
import { type Layout, layoutOf, portsOf } from '../../platforms/local/layout.ts'
import { stopAll } from '../../platforms/local/supervisor.ts'
import { loadPlan } from '../../platforms/plan-file.ts'
import { admit } from '../../rollout/admission.ts'
import type { Plan, PlanInput } from '../../rollout/plan.ts'
import type { Refusal } from '../../rollout/refusal.ts'
import type { Request } from '../../rollout/request.ts'
import { urlOf } from '../../rollout/services.ts'
import { greenOf } from '../../rollout/weights.ts'
import { checkout } from '../../tools/checkout.ts'
import { sluiceEnvironment } from '../../tools/environment.ts'
import { freePorts } from './free-ports.ts'

/** What a finished command left. */
export interface Result {
  code: number
  output: string
}

/**
 * A stack of its own on the real engine: its project, state, home and ports are its own, so that
 * any number run at once and the checkout stays clean.
 */
export class TestStack {
  readonly folder: string
  readonly home: string
  readonly layout: Layout
  readonly port: number
  readonly platform: LocalPlatform
  plan!: Plan
  planHash = ''
  readonly #environment: NodeJS.ProcessEnv
  #config: Record<string, unknown>

  private constructor(folder: string, home: string, port: number) {
    this.folder = folder
    this.port = port
    this.home = join(folder, 'homes', home)
    this.layout = layoutOf(this.home)
    this.platform = new LocalPlatform(this.layout)
    this.#config = {
      'sluice:plan': join(folder, 'e2e.plan.yaml'),
      'sluice:home': this.home,
      'sluice:step': 'start',
    }
    this.#environment = {
      ...process.env,
      ...sluiceEnvironment(),
      PULUMI_BACKEND_URL: `file://${join(folder, 'state')}`,
      PULUMI_HOME: join(folder, 'pulumi'),
      PULUMI_CONFIG_PASSPHRASE: '',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      NO_COLOR: '1',
    }
  }

  /**
   * Makes the stack; nothing is deployed yet.
   * @param edit changes the plan before it is written; ports are set already
   */
  static async create(
    edit: (plan: PlanInput) => PlanInput = (plan) => plan,
    base: Base = { ports: 5, home: 'e2e', plan: planFor },
  ): Promise<TestStack> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-'))
    chmodSync(folder, 0o711)
    const stack = new TestStack(folder, base.home, await freePorts(base.ports))
    mkdirSync(join(folder, 'state'))
    mkdirSync(join(folder, 'homes'), { mode: 0o711 })
    writeFileSync(
      join(folder, 'Pulumi.yaml'),
      stringify({
        name: 'sluice',
        main: join(checkout, 'stacks', 'index.ts'),
        runtime: { name: 'nodejs', options: { typescript: false } },
        plugins: { providers: [{ name: 'sluice', path: join(checkout, 'provider') }] },
      }),
    )
    await stack.writePlan(edit(base.plan(stack.port)))
    const made = await stack.pulumi('stack', 'init', 'e2e')
    if (made.code !== 0) throw new Error(made.output)
    return stack
  }

  /** Writes the plan and reads it back as the program will. */
  async writePlan(plan: PlanInput): Promise<void> {
    writeFileSync(String(this.#config['sluice:plan']), stringify(plan))
    const loaded = await loadPlan(String(this.#config['sluice:plan']))
    this.plan = loaded.plan
    this.planHash = loaded.planHash
  }

  /** Sets lines of the stack's config, as an editor or `pulumi config set` would. */
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

  /** Starts `pulumi up` and returns at once. */
  startUp(...flags: string[]): ChildProcess {
    this.#writeConfig()
    return spawn('pulumi', ['up', '--yes', '--skip-preview', '-s', 'e2e', ...flags], {
      cwd: this.folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  /** Runs pulumi on this stack. */
  pulumi(...args: string[]): Promise<Result> {
    const stackless = args[0] === 'stack'
    this.#writeConfig()
    return this.run('pulumi', ...args, ...(stackless ? [] : ['-s', 'e2e']))
  }

  /** Runs a program in the environment of the stack. */
  run(program: string, ...args: string[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        cwd: this.folder,
        env: this.#environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      child.stdout.on('data', (chunk) => {
        output += chunk
      })
      child.stderr.on('data', (chunk) => {
        output += chunk
      })
      child.once('error', reject)
      child.once('close', (code) => resolve({ code: code ?? -1, output }))
    })
  }

  /** Adds to the environment of everything started from now on. */
  environment(values: Record<string, string>): this {
    Object.assign(this.#environment, values)
    return this
  }

  /** The address at which users reach the router. */
  get url(): string {
    return `http://127.0.0.1:${portsOf(this.plan).listen.port}`
  }

  /** Waits until a question is answered with yes; says what it waited for when it is not. */
  async until(what: string, ask: () => Promise<boolean> | boolean, seconds = 60): Promise<void> {
    const end = Date.now() + seconds * 1_000
    while (!(await ask())) {
      if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /**
   * Raises the step to a position and applies it, with load, waiting through the bake before.
   * @param seconds how long what holds it may hold
   */
  async step(position: string, seconds = 60): Promise<Result> {
    this.set({ step: position })
    let held: Refusal[] = []
    const free = async () => {
      held = await this.held(position)
      return held.length === 0
    }
    await this.until(`nothing to hold ${position}`, free, seconds).catch((error: Error) => {
      const told = held.map(({ place, message }) => `${place} ${message}`)
      throw new Error([error.message, ...told].join('\n'))
    })
    return this.up()
  }

  /** What holds a position now. */
  async held(position: string): Promise<Refusal[]> {
    const request = this.request(position)
    const observation = await this.platform.observe()
    return admit(request, observation, 'preview', request.attempt).refusals
  }

  /** What an update would ask for now. */
  request(position: string): Request {
    return {
      plan: this.plan,
      planHash: this.planHash,
      position,
      attempt: Number(this.#config['sluice:attempt'] ?? 1),
      confirmed: (this.#config['sluice:confirmed'] as string[] | undefined) ?? [],
      clock: Number(this.#config['sluice:clock'] ?? 1),
      environment: this.#config['sluice:environment'] as string | undefined,
    }
  }

  /** Green's live share of a service. */
  async green(service = Object.keys(this.plan.services)[0] as string): Promise<number> {
    return greenOf(await this.platform.readWeights(), service)
  }

  /** Makes a colour misbehave, or well again. */
  async fault(
    colour: 'blue' | 'green',
    faults: Record<string, number> | undefined,
    service = Object.keys(this.plan.services)[0] as string,
  ): Promise<void> {
    await fetch(`${urlOf(this.plan, service, colour, '/faults')}`, {
      method: faults ? 'PUT' : 'DELETE',
      ...(faults ? { body: JSON.stringify(faults) } : {}),
    })
  }

  /** Ends every process of the stack and removes its folder. */
  async close(): Promise<void> {
    await stopAll(this.layout)
    rmSync(this.folder, { recursive: true, force: true })
  }

  #writeConfig(): void {
    // The engine keeps the salt of the stack's secrets in this file.
    const file = join(this.folder, 'Pulumi.e2e.yaml')
    const before = existsSync(file) ? parse(readFileSync(file, 'utf8')) : {}
    writeFileSync(file, stringify({ ...before, config: this.#config }))
  }
}

/** What a stack is made for. */
export interface Base {
  /** How many ports it takes in a row. */
  ports: number
  /** The name of its home; where the plan has environments, `<plan>-<environment>`. */
  home: string
  /** The plan, with the ports from this one on. */
  plan: (port: number) => PlanInput
}

/** The huntred plan at test size: no bake, its own ports. */
function planFor(port: number): PlanInput {
  const environment = { EXAMPLE_FAULTS: '1' }
  return {
    name: 'huntred',
    services: {
      huntred: {
        blue: { command: ['node', 'examples/huntred/v1.ts'], port: port + 3, environment },
        green: { command: ['node', 'examples/huntred/v2.ts'], port: port + 4, environment },
        affinity: { header: 'x-user-id' },
      },
    },
    steps: [5, 10, 25, 50, 100],
    bake: '1s',
    minimumRequests: 1,
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    backups: {
      huntred: { postgres: 'env:HUNTRED_URL', before: 'every-step', maximumAge: '15m' },
    },
    local: {
      listen: `127.0.0.1:${port}`,
      postgres: { databases: { huntred: 'HUNTRED_URL' } },
    },
  }
}
