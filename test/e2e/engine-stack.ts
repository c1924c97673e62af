import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { loadPlan } from '../../platforms/plan-file.ts'
import type { Platform } from '../../platforms/platform.ts'
import { admit } from '../../rollout/admission.ts'
import type { Latch } from '../../rollout/latch.ts'
import { latchOf } from '../../rollout/observation.ts'
import type { Plan, PlanInput } from '../../rollout/plan.ts'
import type { Refusal } from '../../rollout/refusal.ts'
import type { Request } from '../../rollout/request.ts'
import { greenOf } from '../../rollout/weights.ts'
import { checkout } from '../../tools/checkout.ts'
import { sluiceEnvironment } from '../../tools/environment.ts'

/** How long anything is waited for, seconds: below the limit of a test, so that it says what it was. */
const LIMIT_S = 120

/** What a finished command left. */
export interface Result {
  code: number
  output: string
}

/**
 * A stack on the real engine, on any platform: its project and state are in a folder of its own, so
 * that any number run at once and the checkout stays clean.
 */
export abstract class EngineStack {
  readonly folder: string
  abstract readonly platform: Platform
  plan!: Plan
  /** The plan as it was written last. */
  written!: PlanInput
  planHash = ''
  /** How long {@link until} waits before it asks again. */
  protected readonly pollMs: number = 50
  readonly #environment: NodeJS.ProcessEnv
  #config: Record<string, unknown>

  /**
   * @param config lines of the stack's config beside the plan and the step, with their `sluice:`
   * @param environment of everything that is started
   */
  protected constructor(
    folder: string,
    config: Record<string, unknown>,
    environment: NodeJS.ProcessEnv = {},
  ) {
    this.folder = folder
    this.#config = {
      'sluice:plan': join(folder, 'e2e.plan.yaml'),
      'sluice:step': 'start',
      ...config,
    }
    this.#environment = {
      ...process.env,
      ...sluiceEnvironment(),
      PULUMI_BACKEND_URL: `file://${join(folder, 'state')}`,
      PULUMI_HOME: join(folder, 'pulumi'),
      PULUMI_CONFIG_PASSPHRASE: '',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      NO_COLOR: '1',
      ...environment,
    }
  }

  /** Writes project and plan and makes the stack; nothing is deployed yet. */
  protected async begin(plan: PlanInput): Promise<void> {
    mkdirSync(join(this.folder, 'state'))
    writeFileSync(
      join(this.folder, 'Pulumi.yaml'),
      stringify({
        name: 'sluice',
        main: join(checkout, 'stacks', 'index.ts'),
        runtime: { name: 'nodejs', options: { typescript: false } },
        plugins: { providers: [{ name: 'sluice', path: join(checkout, 'provider') }] },
      }),
    )
    await this.writePlan(plan)
    const made = await this.pulumi('stack', 'init', 'e2e')
    if (made.code !== 0) throw new Error(made.output)
  }

  /** Writes the plan and reads it back as the program will. */
  async writePlan(plan: PlanInput): Promise<void> {
    writeFileSync(String(this.#config['sluice:plan']), stringify(plan))
    this.written = plan
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

  /** Waits until a question is answered with yes; says what it waited for when it is not. */
  async until(
    what: string,
    ask: () => Promise<boolean> | boolean,
    seconds = LIMIT_S,
  ): Promise<void> {
    const end = Date.now() + seconds * 1_000
    while (!(await ask())) {
      if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, this.pollMs))
    }
  }

  /**
   * Raises the step to a position and applies it, with load, waiting through the bake before.
   * @param seconds how long what holds it may hold
   */
  async step(position: string, seconds = LIMIT_S): Promise<Result> {
    this.set({ step: position })
    await this.free(position, seconds)
    const result = await this.up()
    // On a busy machine the hook may be late in the very moment of the update: then again.
    return result.output.includes('no guard, no rise') ? this.step(position, seconds) : result
  }

  /**
   * Waits until nothing holds a position; says what does where it does too long.
   * @param ask what holds it that is worth waiting for
   */
  async free(
    position: string,
    seconds = LIMIT_S,
    ask: () => Promise<Refusal[]> = () => this.held(position),
  ): Promise<void> {
    let held: Refusal[] = []
    const free = async () => {
      held = await ask()
      return held.length === 0
    }
    await this.until(`nothing to hold ${position}`, free, seconds).catch((error: Error) => {
      const told = held.map(({ place, message }) => `${place} ${message}`)
      throw new Error([error.message, ...told].join('\n'))
    })
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

  /** The latch, which is there from the first deployment on. */
  async latch(): Promise<Latch> {
    const latch = latchOf(await this.platform.observe())
    if (!latch) throw new Error('no latch')
    return latch
  }

  #writeConfig(): void {
    // The engine keeps the salt of the stack's secrets in this file.
    const file = join(this.folder, 'Pulumi.e2e.yaml')
    const before = existsSync(file) ? parse(readFileSync(file, 'utf8')) : {}
    writeFileSync(file, stringify({ ...before, config: this.#config }))
  }
}
