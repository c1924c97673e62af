import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AwsPlatform } from '../../platforms/aws/client.ts'
import { journalOf } from '../../rollout/observation.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { AccountHarness } from '../beds/aws/account-harness.ts'
import { createTaskPlace, type TaskPlace } from '../beds/aws/cluster.ts'
import { createAccount } from '../beds/aws/deploy.ts'
import { EcsHarness } from '../beds/aws/ecs-harness.ts'
import { environmentOf } from '../beds/aws/environment.ts'
import { type Moto, startMoto } from '../beds/aws/moto.ts'
import { isReal, realAccount } from '../beds/aws/real-account.ts'
import { installStandIn } from '../standins/install-stand-in.ts'
import { EngineStack } from './engine-stack.ts'
import { freePorts } from './free-ports.ts'

const NAME = isReal() ? 'sluice-test' : 'shop'
/** Seconds that stand for a minute of AWS; on a real account a minute is one. */
const TICK = isReal() ? 60 : 12
/** How much longer a real account may take. */
const PATIENCE = isReal() ? 10 : 1

/** What a plan is made of, beside what the account gives. */
export type TasksPlan = (
  place: TaskPlace & { listener: string; port: number; image: string },
) => PlanInput

/**
 * A stack on AWS whose colours and commands run in ECS: moto stores them, and the harness runs them as
 * processes, and the plugin is a stand-in, as in {@link AwsStack}. With SLUICE_AWS=real none of these is
 * there: an account, the real plugin, and the SDK's own credentials.
 */
export class AwsTasksStack extends EngineStack {
  readonly platform = new AwsPlatform({ kind: 'aws', name: NAME, tick: TICK })
  readonly rollout = NAME
  /** On a real account neither is there. */
  readonly moto: Moto | undefined
  readonly ecs: EcsHarness | undefined
  readonly #before: NodeJS.ProcessEnv
  #harness: AccountHarness | undefined
  #url = ''
  protected override readonly pollMs = 200 * PATIENCE

  private constructor(folder: string, moto: Moto | undefined, before: NodeJS.ProcessEnv) {
    super(
      folder,
      {
        'sluice:platform': 'aws',
        'sluice:rollout': NAME,
        'sluice:clock': 60,
        ...(moto ? { 'sluice:tick': TICK } : {}),
      },
      moto
        ? {
            ...environmentOf(moto.endpoint, 'deployer'),
            SLUICE_STAND_IN_CODE: join(folder, 'code'),
          }
        : { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'false' },
    )
    this.moto = moto
    this.#before = before
    if (moto) this.ecs = new EcsHarness({ endpoint: moto.endpoint, images: {}, cwd: folder })
  }

  /** @param secrets what the entry of Secrets Manager has; on a real account a person has made it */
  static async create(plan: TasksPlan, secrets: Record<string, string>): Promise<AwsTasksStack> {
    const account = isReal() ? realAccount() : undefined
    const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-tasks-'))
    if (account) {
      const stack = new AwsTasksStack(folder, undefined, process.env)
      stack.#url = account.address
      await stack.begin(
        plan({ ...account, port: 8080, image: 'public.ecr.aws/docker/library/node:24-slim' }),
      )
      return stack
    }
    const moto = await startMoto()
    const before = { ...process.env }
    Object.assign(process.env, environmentOf(moto.endpoint, 'bed'))
    const stack = new AwsTasksStack(folder, moto, before)
    try {
      const port = await freePorts(4)
      const { listener } = await createAccount({ blue: port, green: port + 1 })
      const place = await createTaskPlace(secrets)
      mkdirSync(join(folder, 'code'))
      installStandIn('aws', join(folder, 'pulumi'))
      stack.ecs?.start()
      await stack.begin(plan({ ...place, listener, port: port + 2, image: 'node:24-slim' }))
      stack.#harness = new AccountHarness({
        listener,
        folder,
        lambda: { code: join(folder, 'code'), environment: environmentOf(moto.endpoint, 'hook') },
      })
      await stack.#harness.start()
      stack.#url = stack.#harness.url
    } catch (error) {
      await stack.close()
      throw error
    }
    return stack
  }

  get url(): string {
    return this.#url
  }

  override until(
    what: string,
    ask: () => Promise<boolean> | boolean,
    seconds = 100,
  ): Promise<void> {
    return super.until(what, ask, seconds * PATIENCE).catch((error: Error) => {
      const calls = this.#harness?.lambda.invocations.slice(-2) ?? []
      const said = calls.map((one) => one.error ?? `${JSON.stringify(one.result)} ${one.log}`)
      throw new Error([error.message, ...(this.ecs?.problems.slice(-3) ?? []), ...said].join('\n'))
    })
  }

  /** What is recorded of an operation, at whatever position; undefined where nothing is. */
  async operation(name: string): Promise<string | undefined> {
    const journal = journalOf(await this.platform.observe())
    return journal?.operations?.findLast(({ operation }) => operation === name)?.result
  }

  async close(): Promise<void> {
    if (!this.moto) {
      const gone = await this.run('sluice', 'teardown', 'e2e')
      if (gone.code !== 0) throw new Error(`${NAME} still stands in the account:\n${gone.output}`)
    }
    await this.#harness?.stop()
    await this.ecs?.stop()
    await this.moto?.stop()
    for (const key of this.moto ? Object.keys(environmentOf('', '')) : []) {
      if (this.#before[key] === undefined) delete process.env[key]
      else process.env[key] = this.#before[key]
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}
