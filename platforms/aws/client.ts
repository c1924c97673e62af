import { type Admission, admit } from '../../rollout/admission.ts'
import { rolloutOf } from '../../rollout/environments.ts'
import type { BackupRecord, Measurement } from '../../rollout/journal.ts'
import {
  type Guard,
  nothingDeployed,
  type Observation,
  type Unavailable as Unknown,
} from '../../rollout/observation.ts'
import type { ColourName, Plan } from '../../rollout/plan.ts'
import type { Request } from '../../rollout/request.ts'
import { greenOf, type ServiceWeights, type Weights } from '../../rollout/weights.ts'
import { backupOf } from '../backup-of.ts'
import { messageOf } from '../operations/outcomes.ts'
import { Operations, type Parts } from '../operations.ts'
import { rollBackFor } from '../person.ts'
import {
  type FlagReport,
  type Platform,
  Refused,
  type RollbackCommand,
  type RollbackReport,
  Unavailable,
} from '../platform.ts'
import { readPrevious } from '../previous.ts'
import type { AwsReference } from '../reference.ts'
import { readAlarms } from './alarm-states.ts'
import { type Clients, clientsOf } from './clients.ts'
import { guardOf, type Heartbeat, planOfHeartbeat, readHeartbeat } from './heartbeat.ts'
import { type AwsLayout, parameterNames, readLayout } from './layout.ts'
import { measureService } from './measure.ts'
import { publish } from './news.ts'
import { tickMs } from './reference.ts'
import { AlbRouter } from './router.ts'
import { setFlagFor } from './set-flag.ts'
import { listSnapshots, takeSnapshot } from './snapshots.ts'
import { SsmStore } from './store.ts'
import { untilUnmarked } from './unmarking.ts'
import { deleteParametersUnder } from './versions.ts'

/**
 * A rollout on AWS, from outside. There is no process that could be asked: whoever acts does so on
 * latch, journal and rule directly, each write a compare-and-set, with the caller's own credentials.
 * The hook says by its heartbeat that it guards; without one nothing rises.
 */
export class AwsPlatform implements Platform {
  readonly #reference: AwsReference
  readonly #clients: Clients
  readonly #store: SsmStore
  constructor(reference: AwsReference, clients: Clients = clientsOf(reference)) {
    this.#reference = reference
    this.#clients = clients
    this.#store = new SsmStore(clients.parameters, reference.name)
  }

  async observe(): Promise<Observation> {
    let layout: AwsLayout | undefined
    try {
      layout = await this.#layout()
    } catch (error) {
      return unknown(messageOf(error))
    }
    if (!layout) {
      const why = `nothing of ${this.#reference.name} is deployed in this account`
      return nothingDeployed(why, new Date())
    }
    const { guard, alarms, previous } = await this.#watch()
    const parts = { guard: () => guard, alarms: () => alarms, previous }
    return this.#operations(layout, parts).observe()
  }

  async readWeights(): Promise<ServiceWeights> {
    return (await this.#router()).read()
  }

  async admit(request: Request, lastAttempt?: number): Promise<Admission> {
    const watch = await this.#watch()
    const { guard } = watch
    return this.#with(watch, async (operations, router) => {
      if (!guard.alive) {
        const planned = admit(request, await operations.observe(), 'apply', lastAttempt)
        if (planned.direction === 'rise' || planned.acknowledges) throw unguarded(guard)
      }
      const admitted = await operations.admit(request, lastAttempt)
      // The hook alone takes the mark off that makes AWS itself deny a rise.
      if (admitted.acknowledges) await untilUnmarked(router, tickMs(this.#reference))
      return admitted
    })
  }

  async setWeights(service: string, weights: Weights): Promise<Weights> {
    const watch = await this.#watch()
    const { guard } = watch
    return this.#with(watch, async (operations, router) => {
      if (!guard.alive && weights.green > greenOf(await router.read(), service)) {
        throw unguarded(guard)
      }
      return operations.setWeights(service, weights)
    })
  }

  async verify(request: Request): Promise<ServiceWeights> {
    return this.#with(await this.#watch(), (operations) => operations.verify(request))
  }

  async rollback(command: RollbackCommand): Promise<RollbackReport> {
    const started = performance.now()
    return this.#with(
      { guard: UNASKED, alarms: { unavailable: '-' } },
      async (operations, router) => {
        const plan = (await this.#store.readJournal().catch(() => undefined))?.plan
        try {
          const report = await rollBackFor(operations, plan, command, 'direct', started)
          // Where this person may not mark it, the hook does within a minute.
          await router.mark(true).catch(() => {})
          return { ...report, latched: await this.#isLatched() }
        } catch (error) {
          if (error instanceof Refused) throw error
          const latched = await this.#isLatched()
          const state = latched ? '; the latch is written, so green cannot rise' : ''
          throw new Unavailable(`the rollback is not complete${state}: ${messageOf(error)}`)
        }
      },
    )
  }

  async setFlag(flag: string, on: boolean, by: string): Promise<FlagReport> {
    const place = (await this.#deployed()).flags
    return this.#with(await this.#watch(), (operations, router) =>
      setFlagFor(
        { store: this.#store, router, operations, appconfig: this.#clients.flags, place },
        { flag, on, by },
      ),
    )
  }

  async resolve(guardrail: string, by: string): Promise<number> {
    return this.#with(await this.#watch(), (operations) => operations.resolve(guardrail, by))
  }

  async takeDown(operation: string): Promise<void> {
    throw new Refused(
      `operations.${operation} is not taken back by the platform aws; next: run its down in the cluster yourself, with aws ecs run-task, while blue has everything`,
    )
  }

  async adopt(): Promise<ServiceWeights> {
    const beat = await this.#heartbeat()
    if (!beat) throw new Unavailable('the hook has not been heard of yet; next: pulumi up')
    const plan = await planOfHeartbeat(this.#clients.parameters, this.#reference.name, beat)
    return this.#with(await this.#watch(), (operations) => operations.adopt(plan, beat.planHash))
  }

  async measure(service: string, colour: ColourName, windowMs: number): Promise<Measurement> {
    const now = new Date()
    const from = new Date(now.getTime() - windowMs)
    const layout = await this.#deployed()
    return measureService(this.#clients, layout, this.#reference, {
      service,
      colour,
      from,
      to: now,
    })
  }

  async backup(
    name: string,
    plan: Plan,
    progress: (message: string) => void,
  ): Promise<BackupRecord> {
    const backup = backupOf(plan, name)
    const instance = (await this.#deployed()).databases[name]
    if (instance === undefined) {
      throw new Refused(
        `backups.${name}: the plan does not say which RDS instance it is of; next: aws.databases.${name}: <DBInstanceIdentifier>`,
      )
    }
    const record = await takeSnapshot(this.#snapshots(), name, backup, instance, progress)
    const watch = { guard: UNASKED, alarms: { unavailable: '-' } }
    await this.#with(watch, (operations) => operations.recordBackup(record))
    return record
  }

  /** The snapshots there are; while RDS does not answer, those that the journal knows of. */
  async backups(): Promise<BackupRecord[]> {
    try {
      return await listSnapshots(this.#snapshots())
    } catch (error) {
      const journal = await this.#store.readJournal()
      if (!journal) throw error
      return journal.backups
    }
  }

  /** The end of the history, oldest first. */
  events(limit: number) {
    return this.#store.readEvents(limit)
  }

  async forget(): Promise<string> {
    const { name } = this.#reference
    await deleteParametersUnder(this.#clients.parameters, parameterNames(name).root)
    const kept = await this.backups()
    return kept.length === 0
      ? `no snapshot of ${name} is left either`
      : `${kept.length} snapshots stand in RDS: ${kept.map(({ id }) => id).join(', ')}`
  }

  #snapshots() {
    const pollMs = tickMs(this.#reference) / 12
    return { rds: this.#clients.databases, rollout: this.#reference.name, pollMs }
  }

  async #isLatched(): Promise<boolean> {
    return (await this.#store.readLatch().catch(() => undefined))?.latched ?? false
  }

  #layout(): Promise<AwsLayout | undefined> {
    return readLayout(this.#clients.parameters, this.#reference.name)
  }

  async #deployed(): Promise<AwsLayout> {
    const layout = await this.#layout()
    if (layout) return layout
    throw new Unavailable(
      `nothing of ${this.#reference.name} is deployed in this account and region; next: pulumi up`,
    )
  }

  async #router(): Promise<AlbRouter> {
    return new AlbRouter(this.#clients.balancer, await this.#deployed())
  }

  async #heartbeat(): Promise<Heartbeat | undefined> {
    return readHeartbeat(this.#clients.parameters, this.#reference.name)
  }

  /** What is asked before something rises. */
  async #watch(): Promise<Watch> {
    let beat: Heartbeat | undefined
    let guard: Guard
    try {
      beat = await this.#heartbeat()
      guard = guardOf(beat, this.#reference, new Date())
    } catch (error) {
      guard = { alive: false, reason: messageOf(error) }
    }
    if (!beat) return { guard, alarms: { unavailable: guard.reason ?? 'no hook' } }
    const { environment } = beat
    let previous: Watch['previous']
    try {
      const plan = await planOfHeartbeat(this.#clients.parameters, this.#reference.name, beat)
      previous = () =>
        readPrevious(plan, environment, (before) => {
          const place = rolloutOf(plan, before)
          return { store: new SsmStore(this.#clients.parameters, place), place }
        })
      const { active, trouble } = await readAlarms(
        this.#clients.metrics,
        this.#reference.name,
        plan,
      )
      return {
        guard,
        alarms: trouble === undefined ? active : { unavailable: trouble },
        previous,
      }
    } catch (error) {
      return { guard, alarms: { unavailable: messageOf(error) }, previous }
    }
  }

  /** Does something, and returns when people have been told of it. */
  async #with<T>(
    { guard, alarms, previous }: Watch,
    work: (operations: Operations, router: AlbRouter) => Promise<T>,
  ): Promise<T> {
    const layout = await this.#deployed()
    const told: Promise<unknown>[] = []
    const announce: Parts['announce'] = (event) => {
      told.push(publish(this.#clients, layout, this.#reference.name, event).catch(() => {}))
    }
    const router = new AlbRouter(this.#clients.balancer, layout)
    const parts = { guard: () => guard, alarms: () => alarms, previous, announce }
    try {
      return await work(this.#operations(layout, parts, router), router)
    } finally {
      await Promise.all(told)
    }
  }

  #operations(
    layout: AwsLayout,
    parts: Pick<Parts, 'guard' | 'alarms'> & Partial<Parts>,
    router = new AlbRouter(this.#clients.balancer, layout),
  ): Operations {
    return new Operations({
      store: this.#store,
      router,
      now: () => new Date(),
      announce: () => {},
      ...parts,
    })
  }
}

interface Watch {
  /** Whether the hook guards. */
  guard: Guard
  /** Which alarms are active, by CloudWatch. */
  alarms: ReturnType<Parts['alarms']>
  /** Where the environment before this one stands. */
  previous?: Parts['previous']
}

/** What lowers green asks nobody whether it is guarded. */
const UNASKED: Guard = { alive: false, reason: 'the hook was not asked' }

function unguarded({ reason }: Guard): Unavailable {
  return new Unavailable(`no guard, no rise: ${reason}; next: sluice doctor`)
}

/** Not even where things are could be read. */
function unknown(unavailable: string): Observation {
  const part: Unknown = { unavailable }
  return {
    at: new Date().toISOString(),
    deployed: true,
    live: part,
    journal: part,
    latch: part,
    guard: { alive: false, reason: unavailable },
    alarms: part,
  }
}
