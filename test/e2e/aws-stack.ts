import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateDBInstanceCommand } from '@aws-sdk/client-rds'
import { AwsPlatform } from '../../platforms/aws/client.ts'
import { clientsOf } from '../../platforms/aws/clients.ts'
import { createHome } from '../../platforms/local/home.ts'
import { databaseUrl, type Layout, layoutOf } from '../../platforms/local/layout.ts'
import { ensureCluster, ensureDatabases, postgresService } from '../../platforms/local/postgres.ts'
import { residentBytes } from '../../platforms/local/processes.ts'
import { statusOf } from '../../platforms/local/service-status.ts'
import { installService, stopAll } from '../../platforms/local/supervisor.ts'
import type { AwsReference } from '../../platforms/reference.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { checkout } from '../../tools/checkout.ts'
import { AccountHarness } from '../beds/aws/account-harness.ts'
import { AgentHarness, type Figure } from '../beds/aws/agent-harness.ts'
import { createTaskPlace, type TaskPlace } from '../beds/aws/cluster.ts'
import { type Account, createAccount } from '../beds/aws/deploy.ts'
import { EcsHarness } from '../beds/aws/ecs-harness.ts'
import { environmentOf } from '../beds/aws/environment.ts'
import { type Moto, startMoto } from '../beds/aws/moto.ts'
import { type Pager, startPager } from '../beds/aws/pager.ts'
import { installStandIn } from '../standins/install-stand-in.ts'
import { type Ports, planFor, RDS_SECOND } from './aws-plan.ts'
import { EngineStack, type Result } from './engine-stack.ts'
import { freePorts } from './free-ports.ts'

const NAME = 'huntred'
const SERVICE = 'huntred'
const SECOND = 'huntred_v2'
/** The policy that is attached to the deployer's role: see the stand-in's iam.ts. */
const DENIES = 'denies.json'
/** How many times faster than real the plan's waits pass: a day is a second. */
const CLOCK = 86_400
/** Milliseconds of each answer: a tenth more than blue has to be more than a busy machine adds. */
const WORK_MS = '250'
/** Seconds that stand for a minute of AWS: no shorter, as a busy machine is no dead hook. */
const TICK = 12

/**
 * A stack on AWS with the real engine: moto in the place of AWS, the stand-in in the place of the aws
 * provider plugin, and the harness for what moto does not do. The project is as users have it.
 */
export class AwsStack extends EngineStack {
  readonly platform: AwsPlatform
  readonly moto: Moto
  readonly account: Account
  harness!: AccountHarness
  /** The plan as it was written first. */
  input!: PlanInput
  // Each question is asked of moto, which has one process for everything.
  protected override readonly pollMs = 200
  readonly #home: Layout
  readonly #ports: Ports
  #agent: AgentHarness | undefined
  #ecs: EcsHarness | undefined
  #pager: Pager | undefined
  #startSeconds: number | undefined
  readonly #before: NodeJS.ProcessEnv

  private constructor(
    folder: string,
    moto: Moto,
    account: Account,
    ports: Ports,
    before: NodeJS.ProcessEnv,
  ) {
    super(
      folder,
      {
        'sluice:platform': 'aws',
        'sluice:rollout': NAME,
        'sluice:tick': TICK,
        'sluice:clock': CLOCK,
      },
      {
        ...environmentOf(moto.endpoint, 'deployer'),
        SLUICE_STAND_IN_CODE: join(folder, 'code'),
        SLUICE_STAND_IN_DENIES: join(folder, DENIES),
      },
    )
    this.moto = moto
    this.account = account
    this.#ports = ports
    this.#before = before
    this.#home = layoutOf(join(folder, 'home'))
    this.platform = new AwsPlatform(REFERENCE)
  }

  /** An account with a balancer, both systems behind it, and a stack that is not deployed yet. */
  static async create(edit: (plan: PlanInput) => PlanInput = (plan) => plan): Promise<AwsStack> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-aws-'))
    chmodSync(folder, 0o711)
    const moto = await startMoto()
    const before = { ...process.env }
    Object.assign(process.env, environmentOf(moto.endpoint, 'bed'))
    const port = await freePorts(4)
    const ports = { blue: port, green: port + 1, sync: port + 2, balancer: port + 3 }
    const stack = new AwsStack(folder, moto, await createAccount(ports), ports, before)
    try {
      await stack.#prepare(edit)
    } catch (error) {
      await stack.close()
      throw error
    }
    return stack
  }

  async #prepare(edit: (plan: PlanInput) => PlanInput): Promise<void> {
    mkdirSync(join(this.folder, 'code'))
    installStandIn('aws', join(this.folder, 'pulumi'))
    await this.#startSystems()
    this.input = edit(planFor(this.account, this.#ports, await this.#declareData()))
    await this.begin(this.input)
    this.harness = new AccountHarness({
      listener: this.account.listener,
      folder: this.folder,
      port: this.#ports.balancer,
      lambda: {
        code: join(this.folder, 'code'),
        environment: environmentOf(this.moto.endpoint, 'hook'),
      },
    })
    await this.harness.start()
    this.#agent = new AgentHarness(clientsOf({}), this.#figures(), (TICK * 1_000) / 6)
    this.#agent.start()
    const { endpoint } = this.moto
    this.#ecs = new EcsHarness({ endpoint, images: {}, cwd: checkout, lookMs: 500 })
    this.#ecs.start()
  }

  /** Both systems of the example, as on the local platform, with a database of their own. */
  async #startSystems(): Promise<void> {
    const home = this.#home
    await createHome(home)
    await ensureCluster(home)
    await installService(home, 'postgres', postgresService(home))
    await ensureDatabases(home, [SERVICE, SECOND])
    for (const [colour, version] of [
      ['blue', 'v1'],
      ['green', 'v2'],
    ] as const) {
      await installService(home, `${SERVICE}-${colour}`, {
        command: [process.execPath, join(checkout, `examples/huntred/${version}.ts`)],
        environment: {
          PORT: String(this.#ports[colour]),
          EXAMPLE_FAULTS: '1',
          EXAMPLE_WORK: WORK_MS,
          EXAMPLE_PATIENCE: '20000',
          ...this.#variables(),
        },
        cwd: checkout,
      })
      const begun = performance.now()
      await this.until(`${colour} to answer`, () =>
        fetch(`http://127.0.0.1:${this.#ports[colour]}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      )
      if (colour === 'green') this.#startSeconds = (performance.now() - begun) / 1_000
    }
  }

  #variables(): Record<string, string> {
    const [blue, green] = [databaseUrl(this.#home, SERVICE), databaseUrl(this.#home, SECOND)]
    return { HUNTRED_URL: blue, HUNTRED_V2_URL: green }
  }

  /** The databases as RDS knows them; where tasks run, and the entry that has their addresses. */
  async #declareData(): Promise<TaskPlace> {
    await clientsOf({}).databases.send(
      new CreateDBInstanceCommand({
        ...{ DBInstanceIdentifier: RDS_SECOND, DBInstanceClass: 'db.t3.micro', Engine: 'postgres' },
        ...{ MasterUsername: 'somebody', MasterUserPassword: 'not-a-real-one' },
        AllocatedStorage: 20,
      }),
    )
    this.#pager = await startPager()
    return createTaskPlace({ ...this.#variables(), PAGER_URL: this.#pager.url })
  }

  /** What the plan asks Prometheus for elsewhere. */
  #figures(): Figure[] {
    const dimensions = { Color: 'green' }
    return [
      { metric: 'StartSeconds', dimensions, value: async () => this.#startSeconds },
      {
        metric: 'ResidentBytes',
        dimensions,
        value: async () => {
          const { pid } = statusOf(join(this.#home.services, `${SERVICE}-green`))
          return pid === undefined ? undefined : residentBytes(pid)
        },
      },
      {
        metric: 'SyncLagSeconds',
        value: async () => {
          const response = await fetch(`http://127.0.0.1:${this.#ports.sync}/metrics`)
          const [, lag] = /^sync_lag_seconds(?:\{.*\})? (\S+)$/m.exec(await response.text()) ?? []
          return lag === undefined ? undefined : Number(lag)
        },
      },
    ]
  }

  /** Attaches the deployer's policy, as whoever owns the role does with the output of the stack. */
  async attachPolicy(): Promise<void> {
    const { output } = await this.pulumi('stack', 'output', 'deployerPolicy', '--stack', 'e2e')
    writeFileSync(join(this.folder, DENIES), output)
  }

  /** What people were told by the plan's channel. */
  get told(): string[] {
    return this.#pager?.told ?? []
  }

  get url(): string {
    return this.harness.url
  }

  override until(
    what: string,
    ask: () => Promise<boolean> | boolean,
    seconds?: number,
  ): Promise<void> {
    return super.until(what, ask, seconds).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#account()}`)
    })
  }

  /** What the account did last, for a message about what went wrong. */
  #account(): string {
    const { problems, changes, lambda } = this.harness ?? { problems: [], changes: [] }
    const said = lambda?.invocations.slice(-3) ?? []
    return [
      ...problems.slice(-3),
      ...(this.#ecs?.problems.slice(-3) ?? []),
      ...changes.slice(-5).map(({ alarm, from, to }) => `${alarm.AlarmName}: ${from} → ${to}`),
      ...said.map(({ ms, log, error, result }) => {
        return `the function, ${Math.round(ms)} ms: ${error ?? JSON.stringify(result)} ${log.trim().slice(-300)}`
      }),
    ].join('\n')
  }

  override preview(...flags: string[]): Promise<Result> {
    return this.#guarded(() => super.preview(...flags))
  }

  override up(...flags: string[]): Promise<Result> {
    return this.#guarded(() => super.up(...flags))
  }

  /** On a machine that is busy enough a call of the hook is late, and a rise is refused: then again. */
  async #guarded(run: () => Promise<Result>): Promise<Result> {
    const result = await run()
    if (!result.output.includes('no guard, no rise')) return result
    await this.untilGuarded()
    return this.#guarded(run)
  }

  untilGuarded(): Promise<void> {
    const alive = async () => (await this.platform.observe()).guard.alive
    return this.until('the hook to be heard of', alive)
  }

  /** Makes a colour misbehave, or well again. */
  async fault(colour: 'blue' | 'green', faults: Record<string, number> | undefined): Promise<void> {
    await fetch(`http://127.0.0.1:${this.#ports[colour]}/faults`, {
      method: faults ? 'PUT' : 'DELETE',
      ...(faults ? { body: JSON.stringify(faults) } : {}),
    })
  }

  async close(): Promise<void> {
    await this.#pager?.close()
    await this.#agent?.stop()
    await this.#ecs?.stop()
    await this.harness?.stop()
    await stopAll(this.#home).catch(() => {})
    await this.moto.stop()
    for (const key of Object.keys(environmentOf('', ''))) {
      if (this.#before[key] === undefined) delete process.env[key]
      else process.env[key] = this.#before[key]
    }
    rmSync(this.folder, { recursive: true, force: true })
    rmSync(this.#home.postgres.socketFolder, { recursive: true, force: true })
  }
}

const REFERENCE: AwsReference = { kind: 'aws', name: NAME, tick: TICK }
