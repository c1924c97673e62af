import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { AdminSocket } from '../../../platforms/local/admin-socket.ts'
import { findProgram } from '../../../tools/programs.ts'
import { freePorts } from '../../e2e/free-ports.ts'

/** How often the stored rules are looked at: a change of weights reaches users within this. */
const LOOK_MS = 100
/** Once in so many looks the targets are asked for, too. */
const LOOKS_PER_TARGETS = 10

/** One answer that the balancer gave. */
export interface Answered {
  /** The ARN of the target group it was sent to. */
  group: string
  status: number
  seconds: number
  /** No target took the connection. */
  unconnected: boolean
}

/**
 * What moto lacks of a load balancer: traffic. The local HAProxy routes it by the rules of one
 * listener as they are stored: conditions by path and header, weights, and the group stickiness whose
 * cookie wins over weights. A stand-in: its health checks, its shares and its timing are not ALB's.
 */
export class BalancerHarness {
  readonly #elb: ElasticLoadBalancingV2Client
  readonly #listener: string
  readonly #folder: string
  readonly #onAnswer: (answered: Answered) => void
  #port = 0
  #log!: Socket
  #process: ChildProcess | undefined
  #shape = ''
  #shown = new Map<string, string>()
  #groups: string[] = []
  #generation = 0
  #looks = 0
  readonly #targets = new Map<string, string[]>()
  #stopped = false
  #looping: Promise<void> = Promise.resolve()

  constructor(
    elb: ElasticLoadBalancingV2Client,
    listener: string,
    folder: string,
    onAnswer: (answered: Answered) => void,
  ) {
    this.#elb = elb
    this.#listener = listener
    this.#folder = folder
    this.#onAnswer = onAnswer
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** @param port where users reach it; default any that is free */
  async start(port?: number): Promise<void> {
    this.#port = port ?? (await freePorts(1))
    this.#log = createSocket('udp4')
    this.#log.on('message', (message) => this.#hear(message.toString()))
    this.#log.bind(0, '127.0.0.1')
    await once(this.#log, 'listening')
    await this.#look()
    this.#looping = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#looping
    const child = this.#process
    if (child && child.exitCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    this.#log?.close()
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      // An API that is away routes as it did: a balancer does not need it.
      await this.#look().catch(() => {})
    }
  }

  async #look(): Promise<void> {
    const { Rules = [] } = await this.#elb.send(
      new DescribeRulesCommand({ ListenerArn: this.#listener }),
    )
    const rules = Rules.toSorted((a, b) => priorityOf(a) - priorityOf(b))
    const groups = [...new Set(rules.flatMap((rule) => forwardOf(rule).map(({ arn }) => arn)))]
    const targets = await this.#targetsOf(groups)
    const shape = JSON.stringify([
      rules.map(({ RuleArn, Conditions }) => [RuleArn, Conditions]),
      rules.map((rule) => forwardOf(rule).map(({ arn }) => arn)),
      targets,
    ])
    if (shape !== this.#shape) {
      this.#groups = groups
      await this.#configure(rules, targets)
      this.#shape = shape
      return
    }
    for (const [index, rule] of rules.entries()) {
      const socket = new AdminSocket(this.#socketPath())
      for (const [map, value] of valuesOf(rule)) {
        const key = `${map} ${index}`
        if (this.#shown.get(key) === value) continue
        await socket.ask(`set map ${join(this.#folder, `${map}.map`)} ${index} ${value}`)
        this.#shown.set(key, value)
      }
    }
  }

  /** Targets change seldom, and each question is one more for moto, which has one process for all. */
  async #targetsOf(groups: string[]): Promise<string[][]> {
    if (this.#looks++ % LOOKS_PER_TARGETS === 0) this.#targets.clear()
    return Promise.all(
      groups.map(async (TargetGroupArn) => {
        const known = this.#targets.get(TargetGroupArn)
        if (known) return known
        const { TargetHealthDescriptions = [] } = await this.#elb.send(
          new DescribeTargetHealthCommand({ TargetGroupArn }),
        )
        const found = TargetHealthDescriptions.map(({ Target }) => `${Target?.Id}:${Target?.Port}`)
        this.#targets.set(TargetGroupArn, found)
        return found
      }),
    )
  }

  async #configure(rules: Rule[], targets: string[][]): Promise<void> {
    const before = this.#process && this.#socketPath()
    this.#generation++
    this.#shown = new Map()
    for (const map of ['second', 'sticky', 'none'] as const) {
      const lines = rules.map((rule, index) => {
        const value = Object.fromEntries(valuesOf(rule))[map] as string
        this.#shown.set(`${map} ${index}`, value)
        return `${index} ${value}`
      })
      writeFileSync(join(this.#folder, `${map}.map`), `${lines.join('\n')}\n`)
    }
    const file = join(this.#folder, 'balancer.cfg')
    writeFileSync(file, this.#config(rules, targets))
    const old = this.#process
    const args = ['-db', '-f', file]
    if (old?.pid && before) args.push('-x', before, '-sf', String(old.pid))
    const child = spawn(findProgram('haproxy'), args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    this.#process = child
    const socket = new AdminSocket(this.#socketPath())
    for (const until = Date.now() + 10_000; ; ) {
      if (child.exitCode !== null) throw new Error(`HAProxy ended: ${said}`)
      const answers = await socket.ask('show info').then(
        () => true,
        () => false,
      )
      if (answers) return
      if (Date.now() > until) throw new Error(`HAProxy does not answer: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  #socketPath(): string {
    return join(this.#folder, `balancer-${this.#generation}.sock`)
  }

  #config(rules: Rule[], targets: string[][]): string {
    const map = (name: string) => join(this.#folder, `${name}.map`)
    const tg = (arn: string) => `tg${this.#groups.indexOf(arn)}`
    const chosen = rules.flatMap((rule, index) => {
      const conditions = (rule.Conditions ?? []).map((condition) => matcherOf(condition))
      return [
        `  http-request set-var(txn.rule) int(${index}) if !{ var(txn.rule) -m found } ${conditions.join(' ')}`,
      ]
    })
    const sent = rules.flatMap((rule, index) => {
      const [first, second] = forwardOf(rule)
      const at = `{ var(txn.rule) -m int ${index} }`
      return [
        ...(first ? [`  http-request set-var(txn.group) str(${tg(first.arn)}) if ${at}`] : []),
        ...(second
          ? [`  http-request set-var(txn.group) str(${tg(second.arn)}) if ${at} to_second`]
          : []),
        ...forwardOf(rule).map(
          ({ arn }) =>
            `  http-request set-var(txn.group) str(${tg(arn)}) if ${at} { var(txn.sticky) -m int 1 } { req.cook(AWSALBTG) ${tg(arn)} }`,
        ),
      ]
    })
    return [
      'global',
      '  maxconn 2000',
      `  stats socket ${this.#socketPath()} mode 600 level admin expose-fd listeners`,
      `  log 127.0.0.1:${this.#log.address().port} format raw local0`,
      'defaults',
      '  mode http',
      '  timeout connect 1s',
      '  timeout client 30s',
      '  timeout server 30s',
      '  retries 1',
      // A balancer closes no connection in the moment in which somebody uses it again.
      '  option idle-close-on-response',
      'frontend listener',
      `  bind 127.0.0.1:${this.#port}`,
      '  log global',
      '  log-format "answered %[var(txn.group)] %ST %Tr %ts"',
      ...chosen,
      '  http-request return status 404 if !{ var(txn.rule) -m found }',
      `  http-request set-var(txn.second) var(txn.rule),map_str_int(${map('second')},0)`,
      `  http-request set-var(txn.sticky) var(txn.rule),map_str_int(${map('sticky')},0)`,
      `  http-request return status 503 if { var(txn.rule),map_str_int(${map('none')},0) -m int 1 }`,
      '  http-request set-var(txn.roll) rand(10000)',
      '  acl to_second var(txn.roll),sub(txn.second) -m int lt 0',
      ...sent,
      '  http-response add-header set-cookie "AWSALBTG=%[var(txn.group)]; Path=/" if { var(txn.sticky) -m int 1 }',
      '  use_backend %[var(txn.group)]',
      ...this.#groups.flatMap((_arn, index) => [
        `backend tg${index}`,
        '  balance roundrobin',
        ...(targets[index] ?? []).map((target, n) => `  server t${n} ${target}`),
      ]),
      '',
    ].join('\n')
  }

  #hear(line: string): void {
    const [, group, status, ms, ts] = /answered tg(\d+) (-?\d+) (-?\d+) (\S+)/.exec(line) ?? []
    const arn = this.#groups[Number(group)]
    if (group === undefined || arn === undefined) return
    const unconnected = ts?.startsWith('SC') ?? false
    // HAProxy's clock has milliseconds; half of one is nearer the truth than nothing.
    const seconds = Math.max(Number(ms), 0.5) / 1_000
    this.#onAnswer({ group: arn, status: Number(status), seconds, unconnected })
  }
}

/** The groups of a rule or of a default action, in the order they are stored. */
function forwardOf(rule: Rule): { arn: string; weight: number }[] {
  const forward = rule.Actions?.find(({ Type }) => Type === 'forward')
  const groups = forward?.ForwardConfig?.TargetGroups ?? []
  if (groups.length > 0) {
    return groups.map(({ TargetGroupArn = '', Weight = 1 }) => ({
      arn: TargetGroupArn,
      weight: Weight,
    }))
  }
  return forward?.TargetGroupArn ? [{ arn: forward.TargetGroupArn, weight: 1 }] : []
}

function valuesOf(rule: Rule): [string, string][] {
  const [first, second] = forwardOf(rule)
  const sum = (first?.weight ?? 0) + (second?.weight ?? 0)
  const share = sum === 0 ? 0 : ((second?.weight ?? 0) * 10_000) / sum
  const forward = rule.Actions?.find(({ Type }) => Type === 'forward')
  const sticky = forward?.ForwardConfig?.TargetGroupStickinessConfig?.Enabled === true
  return [
    ['second', String(Math.round(share))],
    ['sticky', sticky ? '1' : '0'],
    // A rule whose weights are all zero answers 503, as ALB does.
    ['none', first && sum === 0 ? '1' : '0'],
  ]
}

function matcherOf(condition: NonNullable<Rule['Conditions']>[number]): string {
  const { PathPatternConfig, HttpHeaderConfig, Field, Values } = condition
  const paths = PathPatternConfig?.Values ?? (Field === 'path-pattern' ? Values : undefined)
  if (paths) {
    const beginnings = paths.map((path) => path.replace(/\*$/, ''))
    return `{ path_beg ${beginnings.join(' ')} }`
  }
  if (HttpHeaderConfig) {
    return `{ req.hdr(${HttpHeaderConfig.HttpHeaderName}) ${HttpHeaderConfig.Values?.join(' ')} }`
  }
  throw new Error(`the stand-in does not know the condition ${JSON.stringify(condition)}`)
}

function priorityOf({ Priority }: Rule): number {
  return Priority === 'default' ? Number.MAX_SAFE_INTEGER : Number(Priority)
}

/** Where the targets of a load balancer's groups are, and how they are asked for their health. */
export async function targetsOf(elb: ElasticLoadBalancingV2Client, listener: string) {
  const { Listeners = [] } = await elb.send(
    new DescribeListenersCommand({ ListenerArns: [listener] }),
  )
  const LoadBalancerArn = Listeners[0]?.LoadBalancerArn
  const { TargetGroups = [] } = await elb.send(new DescribeTargetGroupsCommand({}))
  return { loadBalancer: LoadBalancerArn ?? '', groups: TargetGroups }
}
