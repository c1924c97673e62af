import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AwsPlatform } from '../../platforms/aws/client.ts'
import { journalOf } from '../../rollout/observation.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { checkout } from '../../tools/checkout.ts'
import { AccountHarness } from '../beds/aws/account-harness.ts'
import { createTaskPlace, type TaskPlace } from '../beds/aws/cluster.ts'
import { createAccount } from '../beds/aws/deploy.ts'
import { EcsHarness } from '../beds/aws/ecs-harness.ts'
import { environmentOf } from '../beds/aws/environment.ts'
import { type Moto, startMoto } from '../beds/aws/moto.ts'
import { standInPlugin } from './aws-stack.ts'
import { EngineStack } from './engine-stack.ts'
import { freePorts } from './free-ports.ts'

const NAME = 'shop'
/** Seconds that stand for a minute of AWS. */
const TICK = 12

/** What a plan is made of, beside what the account gives. */
export type TasksPlan = (place: TaskPlace & { listener: string; port: number }) => PlanInput

/**
 * A stack on AWS whose colours and commands run in ECS: moto stores them, and the harness runs them as
 * processes. The plugin is a stand-in, as in {@link AwsStack}.
 */
export class AwsTasksStack extends EngineStack {
  readonly platform = new AwsPlatform({ kind: 'aws', name: NAME, tick: TICK })
  readonly moto: Moto
  readonly ecs: EcsHarness
  readonly #before: NodeJS.ProcessEnv
  #harness: AccountHarness | undefined
  protected override readonly pollMs = 200

  private constructor(folder: string, moto: Moto, before: NodeJS.ProcessEnv) {
    super(
      folder,
      {
        'sluice:platform': 'aws',
        'sluice:rollout': NAME,
        'sluice:tick': TICK,
        'sluice:clock': 60,
      },
      {
        ...environmentOf(moto.endpoint, 'deployer'),
        SLUICE_STAND_IN_CODE: join(folder, 'code'),
      },
    )
    this.moto = moto
    this.#before = before
    this.ecs = new EcsHarness({
      endpoint: moto.endpoint,
      images: {
        'shop:1': ['node', join(checkout, 'test/contracts/colour.ts')],
        'shop:2': ['node', join(checkout, 'test/contracts/colour.ts')],
      },
      cwd: folder,
    })
  }

  static async create(plan: TasksPlan, secrets: Record<string, string>): Promise<AwsTasksStack> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-tasks-'))
    const moto = await startMoto()
    const before = { ...process.env }
    Object.assign(process.env, environmentOf(moto.endpoint, 'bed'))
    const stack = new AwsTasksStack(folder, moto, before)
    try {
      const port = await freePorts(3)
      const { listener } = await createAccount({ blue: port, green: port + 1 })
      const place = await createTaskPlace(secrets)
      mkdirSync(join(folder, 'code'))
      standInPlugin(join(folder, 'pulumi'))
      stack.ecs.start()
      await stack.begin(plan({ ...place, listener, port: port + 2 }))
      stack.#harness = new AccountHarness({
        listener,
        folder,
        lambda: { code: join(folder, 'code'), environment: environmentOf(moto.endpoint, 'hook') },
      })
      await stack.#harness.start()
    } catch (error) {
      await stack.close()
      throw error
    }
    return stack
  }

  get url(): string {
    return this.#harness?.url ?? ''
  }

  override until(
    what: string,
    ask: () => Promise<boolean> | boolean,
    seconds = 100,
  ): Promise<void> {
    return super.until(what, ask, seconds).catch((error: Error) => {
      const calls = this.#harness?.lambda.invocations.slice(-2) ?? []
      const said = calls.map((one) => one.error ?? `${JSON.stringify(one.result)} ${one.log}`)
      throw new Error([error.message, ...this.ecs.problems.slice(-3), ...said].join('\n'))
    })
  }

  /** What is recorded of an operation, at whatever position; undefined where nothing is. */
  async operation(name: string): Promise<string | undefined> {
    const journal = journalOf(await this.platform.observe())
    return journal?.operations?.findLast(({ operation }) => operation === name)?.result
  }

  async close(): Promise<void> {
    await this.#harness?.stop()
    await this.ecs.stop()
    await this.moto.stop()
    for (const key of Object.keys(environmentOf('', ''))) {
      if (this.#before[key] === undefined) delete process.env[key]
      else process.env[key] = this.#before[key]
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}
