import { setTimeout as pause } from 'node:timers/promises'
import { mapAlarm, readAlarms } from '../../platforms/aws/alarm-states.ts'
import { partsOfName } from '../../platforms/aws/alarms.ts'
import { type Clients, clientsOf } from '../../platforms/aws/clients.ts'
import { type AwsLayout, readLayout } from '../../platforms/aws/layout.ts'
import { levelNamed } from '../../platforms/aws/levels.ts'
import { isNews, publish } from '../../platforms/aws/news.ts'
import { tickMs } from '../../platforms/aws/reference.ts'
import { AlbRouter } from '../../platforms/aws/router.ts'
import { SsmStore } from '../../platforms/aws/store.ts'
import { isDisarmed, Operations } from '../../platforms/operations.ts'
import type { AwsReference } from '../../platforms/reference.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import type { Level } from '../../rollout/escalation.ts'
import type { Alarm, Journal } from '../../rollout/journal.ts'
import { causesOf } from '../causes.ts'
import { newsOf, tripOf } from '../crossed.ts'
import { type Charge, WatchedRouter, WatchedStore, World } from '../world.ts'
import { takeAction } from './actions.ts'
import type { Call } from './event.ts'
import { keepFlags } from './flags.ts'
import { judge } from './judge.ts'
import { reconcile } from './reconcile.ts'
import { tellChannels } from './tell.ts'
import { newsOfAlarm, tellOfAlarm } from './tell-alarm.ts'

/** For so long after a rollback a write that was in flight is put back as soon as it lands. */
const ASSERTED_MS = 30_000
/** The time between two looks while it does. */
const LOOK_MS = 1_000

/** What one call of the function works with. */
export interface LambdaParts {
  reference: AwsReference
  charge: Charge
  clients: Clients
  layout: AwsLayout
  store: SsmStore
  router: AlbRouter
  world: World
  operations: Operations
  /** Resolves when all that was announced has been told, or has failed to be. */
  told(): Promise<void>
}

/**
 * Opens what a call works with.
 * @throws Unavailable where not even the layout can be read: the call is repeated by AWS
 */
export async function openHook(
  reference: AwsReference,
  charge: Charge,
  clients: Clients = clientsOf(reference),
): Promise<LambdaParts> {
  const layout = await readLayout(clients.parameters, reference.name)
  if (!layout) throw new Error(`nothing of ${reference.name} is deployed`)
  const store = new SsmStore(clients.parameters, reference.name)
  const router = new AlbRouter(clients.balancer, layout)
  const world = new World(charge)
  const telling: Promise<unknown>[] = []
  const announce = (event: RolloutEvent) => {
    log(event.severity, event.message, { event: event.kind })
    if (!isNews(event)) return
    const sent = publish(clients, layout, reference.name, event).catch((error: Error) => {
      log('critical', `nobody could be told: ${error.message}`)
    })
    telling.push(sent)
  }
  const operations = new Operations({
    store: new WatchedStore(store, world),
    router: new WatchedRouter(router, world, () => {}),
    now: () => new Date(),
    // The hook decides no admission: these are for those who do.
    alarms: () => ({ unavailable: 'not asked' }),
    guard: () => ({ alive: true, planHash: charge.planHash }),
    announce,
  })
  const told = async () => void (await Promise.all(telling))
  return { reference, charge, clients, layout, store, router, world, operations, told }
}

/** What AWS lets a function run at the longest. */
const LONGEST_MS = 900_000

/**
 * Does what a call asks for.
 * @param remainingMs how long the call may take
 */
export async function answer(
  parts: LambdaParts,
  call: Call,
  remainingMs = LONGEST_MS,
): Promise<object> {
  const doing = { act: (alarm: Alarm) => act(parts, alarm) }
  try {
    if (call.kind === 'news') return await tellChannels(parts, call.events)
    if (call.kind === 'judge') return await judge(parts, { id: call.id, remainingMs, ...doing })
    return call.kind === 'reconcile' ? await reconcile(parts, doing) : await takeAlarm(parts, call)
  } finally {
    await parts.told()
  }
}

async function takeAlarm(
  parts: LambdaParts,
  { name, state, reasonData, at }: Extract<Call, { kind: 'alarm' }>,
): Promise<object> {
  const { reference, charge } = parts
  // A later OK never clears the latch, and what has no data says nothing.
  if (state !== 'ALARM') return { did: 'nothing', why: `${name} is ${state}` }
  if (!partsOfName(reference.name, name)) return { did: 'nothing', why: `${name} is not ours` }
  const alarm = mapAlarm(charge.plan, reference.name, {
    AlarmName: name,
    StateReasonData: reasonData,
    StateUpdatedTimestamp: at,
  })
  if (!alarm) return { did: 'nothing', why: `the plan does not know ${name}` }
  await look(parts)
  if (await isOver(parts, alarm, at)) {
    return { did: 'nothing', why: `${name} was before the last move, and is over` }
  }
  return act(parts, alarm)
}

/** Reads what there is to be judged by. A latch or a journal that cannot be read is not there. */
export async function look({ world, store, router }: LambdaParts): Promise<Journal | undefined> {
  const [latch, journal, weights] = await Promise.all([
    store.readLatch().catch(() => undefined),
    store.readJournal().catch(() => undefined),
    router.read().catch(() => undefined),
  ])
  world.latch = latch
  world.journal = journal
  // What cannot be read may be as high as the journal says.
  world.weights = weights ?? { ...journal?.weights, ...journal?.intent?.to }
  return journal
}

/**
 * Events are repeated and come late. One from before the last move that was read back says nothing of
 * what is now; then CloudWatch itself is asked. Whatever cannot be told is not over.
 */
async function isOver(
  { world, clients, reference, charge }: LambdaParts,
  { guardrail, service }: Alarm,
  at: Date,
): Promise<boolean> {
  const { journal, latch } = world
  if (!journal || latch?.latched || at.getTime() >= Date.parse(journal.verified.at)) return false
  try {
    const { active } = await readAlarms(clients.metrics, reference.name, charge.plan)
    return !active.some((one) => one.guardrail === guardrail && one.service === service)
  } catch {
    return false
  }
}

/** Does what the guardrail of an alarm says. */
async function act(parts: LambdaParts, alarm: Alarm): Promise<object> {
  const { world, operations, charge } = parts
  if (world.journal && isDisarmed(world.journal)) {
    const news = newsOfAlarm(alarm, 'released, so only told')
    return whetherTold(await tellOfAlarm(parts, alarm, news))
  }
  const level = levelNamed(charge.plan, alarm.guardrail)
  if (level) return answerLevel(parts, alarm, level)
  if (alarm.then === 'rollback') {
    const causes = causesOf(charge.plan, alarm, (service) => judges(world, service))
    if (causes.length === 0) return { did: 'nothing', why: 'green has no traffic that is judged' }
    for (const cause of causes) await operations.trip(cause)
    await hold(parts)
    return { did: 'rolled back' }
  }
  if (alarm.then === 'investigate') {
    const { guardrail, service, value, threshold, since } = alarm
    const position = world.journal?.verified.position ?? 'unknown'
    await operations.investigate({
      ...{ guardrail, service, value, threshold, position },
      openedAt: since,
    })
    return { did: 'opened an investigation' }
  }
  if (alarm.then === 'run' || alarm.then === 'flag') return takeAction(parts, alarm)
  return whetherTold(await tellOfAlarm(parts, alarm, newsOfAlarm(alarm)), alarm.then)
}

/**
 * Tells the people of a level of escalation, and rolls back where it says so. What a green answers
 * that has no users says nothing of them, unless it was taken back just now.
 */
async function answerLevel(parts: LambdaParts, alarm: Alarm, level: Level): Promise<object> {
  const { world, operations } = parts
  const { service, value, threshold, since } = alarm
  const judged = judges(world, service)
  if (!judged && !world.latch?.latched) {
    return { did: 'nothing', why: 'green has no traffic that is judged' }
  }
  const crossed = { service, value, threshold, firstBadAt: since }
  const rollsBack = judged && level.rollback
  // First what takes the harm away, then the news of how ill green is.
  if (rollsBack) await operations.trip(tripOf(crossed))
  const [isFirst] = await Promise.all([
    tellOfAlarm(parts, alarm, newsOf(crossed, level)),
    rollsBack ? hold(parts) : undefined,
  ])
  return rollsBack ? { did: 'rolled back' } : whetherTold(isFirst)
}

const whetherTold = (isFirst: boolean, did = 'told') =>
  isFirst ? { did } : { did: 'nothing', why: 'people were told before' }

/** Where neither latch nor journal could be read, green that has traffic is judged all the same. */
function judges(world: World, service: string): boolean {
  if (world.latch && world.journal) return world.judges(service)
  return (world.weights[service]?.green ?? 100) > 0
}

/**
 * After a rollback: the mark by which AWS itself denies the deployer a rise, and for half a minute
 * whatever was on its way meanwhile is put back.
 */
export async function hold(parts: LambdaParts): Promise<void> {
  const { router, operations, reference } = parts
  await router.mark(true).catch((error: Error) => {
    log('warning', `the rules could not be marked, which the next run does: ${error.message}`)
  })
  // What follows green goes back with it, and holds up nothing.
  const flags = keepFlags(parts).catch((error: Error) => {
    log('warning', `the flags are as they were, which the next run mends: ${error.message}`)
  })
  const scale = tickMs(reference) / 60_000
  const until = performance.now() + ASSERTED_MS * scale
  while (performance.now() < until) {
    await pause(LOOK_MS * scale)
    await operations.assert()
  }
  await flags
}

/** One line of the function's log, JSON. */
export function log(level: string, message: string, more: object = {}): void {
  process.stdout.write(
    `${JSON.stringify({ level, at: new Date().toISOString(), message, ...more })}\n`,
  )
}
