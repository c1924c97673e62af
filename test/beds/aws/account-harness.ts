import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import {
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
} from '@aws-sdk/client-eventbridge'
import { PublishCommand } from '@aws-sdk/client-sns'
import { type Clients, clientsOf } from '../../../platforms/aws/clients.ts'
import { BalancerHarness, targetsOf } from './balancer-harness.ts'
import { type Change, CloudWatchHarness } from './cloudwatch-harness.ts'
import { alarmEvent, alarmMessage, bridgeEvent, matches, scheduledEvent } from './events.ts'
import { LambdaHarness, type LambdaOptions } from './lambda-harness.ts'
import { NewsHarness } from './news-harness.ts'

/** Seconds between two turns: metrics come, alarms are judged. */
const EVERY_S = 1
/** Once in so many the schedule fires: each call is a process of its own. */
const SCHEDULE_TURNS = 2
/** So many failed checks in a row, and a target is ill. */
const ILL_AFTER = 2

export interface AccountOptions {
  listener: string
  /** For sockets and configuration of the balancer. */
  folder: string
  port?: number
  lambda: LambdaOptions
}

/**
 * What an account does by itself and moto does not: a balancer that routes, metrics that come, alarms
 * that are judged and call what they say, rules that fire. A stand-in, put together from the others.
 */
export class AccountHarness {
  readonly balancer: BalancerHarness
  readonly cloudwatch: CloudWatchHarness
  readonly lambda: LambdaHarness
  readonly #news: NewsHarness
  readonly changes: Change[] = []
  /** True: alarms call nobody, but EventBridge still hears of them; and the other way round. */
  deaf: { actions?: boolean; bridge?: boolean } = {}
  readonly #clients: Clients
  readonly #events = new EventBridgeClient({})
  readonly #options: AccountOptions
  #loadBalancer = ''
  #stopped = false
  #turns = 0
  #begun = 0
  #ended = 0
  #looping: Promise<void> = Promise.resolve()
  #scheduled = new Map<string, Promise<void>>()
  readonly problems: string[] = []
  /** Checks in a row that a target has failed, by its address. */
  readonly #missed = new Map<string, number>()

  constructor(options: AccountOptions, clients = clientsOf({})) {
    this.#options = options
    this.#clients = clients
    this.lambda = new LambdaHarness(options.lambda)
    this.#news = new NewsHarness((name, event) => this.lambda.send(name, event))
    this.balancer = new BalancerHarness(
      clients.balancer,
      options.listener,
      options.folder,
      (answered) => this.cloudwatch.count(answered),
    )
    this.cloudwatch = new CloudWatchHarness(
      clients.metrics as CloudWatchClient,
      options.listener,
      EVERY_S,
    )
  }

  get url(): string {
    return this.balancer.url
  }

  async start(): Promise<void> {
    this.#loadBalancer = (
      await targetsOf(this.#clients.balancer, this.#options.listener)
    ).loadBalancer
    await this.balancer.start(this.#options.port)
    this.#looping = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#looping
    await this.lambda.stop()
    await this.balancer.stop()
  }

  /** Returns when a turn that begins after now has put everything that was counted before. */
  async counted(): Promise<void> {
    const next = this.#begun + 1
    while (this.#ended < next && !this.#stopped) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async #loop(): Promise<void> {
    const tickMs = EVERY_S * 1_000
    while (!this.#stopped) {
      const next = Math.ceil((Date.now() + 1) / tickMs) * tickMs + 50
      while (!this.#stopped && Date.now() < next) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      if (this.#stopped) return
      this.#begun++
      await this.#turn().catch((error: Error) => this.problems.push(error.message))
      this.#ended++
    }
  }

  async #turn(): Promise<void> {
    await this.cloudwatch.put(await this.#hosts())
    for (const change of await this.cloudwatch.judge()) {
      this.changes.push(change)
      void this.#deliver(change).catch((error: Error) => this.problems.push(error.message))
    }
    await this.#news.deliver((error) => this.problems.push(error.message))
    if (this.#turns++ % SCHEDULE_TURNS === 0) await this.#schedule()
  }

  /** The health of each group's targets, asked as its health check says. */
  async #hosts() {
    const { groups } = await targetsOf(this.#clients.balancer, this.#options.listener)
    return Promise.all(
      groups.map(async ({ TargetGroupArn = '', HealthCheckPath = '/' }) => {
        const urls = await this.#targetUrls(TargetGroupArn, HealthCheckPath)
        const answers = await Promise.all(urls.map((url) => this.#isHealthy(url)))
        const healthy = answers.filter((one) => one).length
        return { group: TargetGroupArn, healthy, ill: answers.length - healthy }
      }),
    )
  }

  /** As the rollout's target groups say: five seconds, and ill after two in a row. */
  async #isHealthy(url: string): Promise<boolean> {
    const missed = (await answersWell(url)) ? 0 : (this.#missed.get(url) ?? 0) + 1
    this.#missed.set(url, missed)
    return missed < ILL_AFTER
  }

  async #targetUrls(group: string, path: string): Promise<string[]> {
    const { DescribeTargetHealthCommand } = await import(
      '@aws-sdk/client-elastic-load-balancing-v2'
    )
    const { TargetHealthDescriptions = [] } = await this.#clients.balancer.send(
      new DescribeTargetHealthCommand({ TargetGroupArn: group }),
    )
    return TargetHealthDescriptions.map(
      ({ Target }) => `http://${Target?.Id}:${Target?.Port}${path}`,
    )
  }

  async #deliver(change: Change): Promise<void> {
    const { alarm, to } = change
    const actions = to === 'ALARM' ? alarm.AlarmActions : to === 'OK' ? alarm.OKActions : []
    const sent: Promise<unknown>[] = []
    if (alarm.ActionsEnabled !== false && !this.deaf.actions) {
      for (const action of actions ?? []) {
        if (action.startsWith('arn:aws:lambda:')) {
          sent.push(this.lambda.send(functionIn(action), alarmEvent(change)))
        } else if (action.startsWith('arn:aws:sns:')) {
          const Message = alarmMessage(change)
          sent.push(this.#clients.topics.send(new PublishCommand({ TopicArn: action, Message })))
        }
      }
    }
    if (!this.deaf.bridge) {
      const event = bridgeEvent(change)
      for (const { pattern, targets } of await this.#rules()) {
        if (!pattern || !matches(JSON.parse(pattern), event)) continue
        for (const target of targets) sent.push(this.lambda.send(functionIn(target), event))
      }
    }
    await Promise.all(sent)
  }

  /** Rules on a schedule fire each tick; none twice at once, as the function's concurrency is one. */
  async #schedule(): Promise<void> {
    for (const { name, schedule, targets } of await this.#rules()) {
      if (!schedule) continue
      for (const target of targets) {
        const key = `${name} ${target}`
        if (this.#scheduled.has(key)) continue
        const done = this.lambda.send(functionIn(target), scheduledEvent(name)).finally(() => {
          this.#scheduled.delete(key)
        })
        this.#scheduled.set(key, done)
      }
    }
  }

  async #rules() {
    const { Rules = [] } = await this.#events.send(new ListRulesCommand({}))
    return Promise.all(
      Rules.filter(({ State }) => State !== 'DISABLED').map(async (rule) => {
        const { Targets = [] } = await this.#events.send(
          new ListTargetsByRuleCommand({ Rule: rule.Name }),
        )
        return {
          name: rule.Name ?? '',
          pattern: rule.EventPattern,
          schedule: rule.ScheduleExpression,
          targets: Targets.flatMap(({ Arn }) => (Arn?.startsWith('arn:aws:lambda:') ? [Arn] : [])),
        }
      }),
    )
  }

  get loadBalancer(): string {
    return this.#loadBalancer
  }
}

async function answersWell(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

function functionIn(arn: string): string {
  return arn.split(':')[6] ?? arn
}
