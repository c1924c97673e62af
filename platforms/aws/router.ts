import { setTimeout as pause } from 'node:timers/promises'
import {
  type Action,
  AddTagsCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  ModifyRuleCommand,
  RemoveTagsCommand,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { type ServiceWeights, split, type Weights } from '../../rollout/weights.ts'
import { Refused, Unavailable } from '../platform.ts'
import type { Router } from '../router.ts'
import { call } from './failures.ts'
import { ACCESS_HEADER, type AwsLayout, type AwsService, LATCHED_TAG } from './layout.ts'
import { shareOf, toRuleWeights } from './rule-weights.ts'

/** Reads in a row that must agree before a change counts as settled, and the time between two. */
const AGREEING = 3
const BETWEEN_MS = 200
/** A rule that does not settle within this is somebody else's too. */
const SETTLE_MS = 15_000

/**
 * The listener rules of an Application Load Balancer. The engine's own provider raises the weights
 * of a rule; here they are read, lowered, and put back.
 */
export class AlbRouter implements Router {
  readonly native = true
  readonly #elb: ElasticLoadBalancingV2Client
  readonly #layout: AwsLayout
  readonly #betweenMs: number
  constructor(elb: ElasticLoadBalancingV2Client, layout: AwsLayout, betweenMs = BETWEEN_MS) {
    this.#elb = elb
    this.#layout = layout
    this.#betweenMs = betweenMs
  }

  /**
   * The weights as the rules hold them. A service without a rule gets nothing of green: before the
   * first deployment has made it, or where another hand has deleted it.
   */
  async read(): Promise<ServiceWeights> {
    const rules = await this.rules()
    return Object.fromEntries(
      Object.entries(this.#layout.services).map(([name, service]) => {
        const rule = rules.get(name)
        return [name, split(rule ? shareOf(groupsOf(rule), service) : 0)]
      }),
    )
  }

  /**
   * Sets the green of services, in their order: one ModifyRule each, with stickiness off, as its
   * cookie would win over the weight. ModifyRule has no condition, so that a write of somebody else
   * that was on its way may land after this one: it returns once the rule has given green no more
   * for {@link AGREEING} reads in a row, and writes again where it does. Less is left as it is: that
   * is a rollback.
   * @throws Unavailable where there is no rule, or where it does not settle
   */
  async write(weights: ServiceWeights): Promise<void> {
    for (const [name, asked] of Object.entries(weights)) await this.#modify(name, asked)
    await this.#settle(weights)
  }

  async #modify(name: string, asked: Weights): Promise<void> {
    const service = this.#service(name)
    const rule = (await this.rules()).get(name)
    if (!rule?.RuleArn) {
      if (asked.green === 0) return
      throw new Unavailable(
        `${service.listener} has no rule that forwards to green of ${name}; next: pulumi up --refresh`,
      )
    }
    if (service.blue === undefined && asked.green < 100) {
      throw new Refused(`blue of ${name} is retired, so green keeps its traffic`)
    }
    // A green that the plan names and the rule has not yet had no step: what is left of one that goes
    // down step by step stays with the green that users have.
    const standing = groupsOf(rule).filter(({ arn, weight }) => arn !== service.blue && weight > 0)
    const isThere = standing.some(({ arn }) => arn === service.green)
    const green = asked.green === 0 || isThere ? undefined : standing[0]?.arn
    const groups = { blue: service.blue, green: green ?? service.green }
    const forward: Action = {
      Type: 'forward',
      ForwardConfig: {
        TargetGroups: toRuleWeights(asked, groups).map(({ arn, weight }) => ({
          TargetGroupArn: arn,
          Weight: weight,
        })),
        TargetGroupStickinessConfig: { Enabled: false },
      },
    }
    // ModifyRule replaces the whole list: whatever authenticates users before the forward stays.
    const Actions = (rule.Actions ?? []).map((action) =>
      action.Type === 'forward' ? { ...forward, Order: action.Order } : action,
    )
    await call(
      `elasticloadbalancing:ModifyRule ${rule.RuleArn}`,
      this.#elb.send(new ModifyRuleCommand({ RuleArn: rule.RuleArn, Actions })),
    )
  }

  async #settle(weights: ServiceWeights): Promise<void> {
    const until = performance.now() + SETTLE_MS
    for (let agreed = 0; agreed < AGREEING; ) {
      const rules = await this.rules()
      const wrong = Object.entries(weights).filter(([name, asked]) => {
        const rule = rules.get(name)
        return rule && givesMore(rule, asked, this.#service(name))
      })
      if (wrong.length === 0) agreed++
      else {
        agreed = 0
        if (performance.now() > until) {
          throw new Unavailable(
            `the rules of ${wrong.map(([name]) => name).join(', ')} do not stay as they were written for ${SETTLE_MS / 1_000} s: somebody else writes them too; next: sluice doctor`,
          )
        }
        for (const [name, asked] of wrong) {
          const rule = rules.get(name) as Rule
          const now = shareOf(groupsOf(rule), this.#service(name))
          await this.#modify(name, split(Math.min(asked.green, now)))
        }
      }
      if (agreed < AGREEING) await pause(this.#betweenMs)
    }
  }

  /** True when the colour has a target that is healthy; a group that is not attached has none. */
  async healthy(name: string, colour: keyof Weights): Promise<boolean> {
    const group = this.#service(name)[colour]
    if (group === undefined) return false
    const { TargetHealthDescriptions = [] } = await call(
      `elasticloadbalancing:DescribeTargetHealth ${group}`,
      this.#elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: group })),
    )
    return TargetHealthDescriptions.some(({ TargetHealth }) => TargetHealth?.State === 'healthy')
  }

  /** Marks the rules as latched, or no more; the deployer's policy denies a change of marked ones. */
  async mark(latched: boolean): Promise<void> {
    const marked = await this.marked()
    for (const [name, rule] of await this.rules()) {
      if (marked.has(name) === latched) continue
      const ResourceArns = [rule.RuleArn as string]
      await call(
        `elasticloadbalancing:${latched ? 'AddTags' : 'RemoveTags'} ${rule.RuleArn}`,
        latched
          ? this.#elb.send(
              new AddTagsCommand({ ResourceArns, Tags: [{ Key: LATCHED_TAG, Value: 'true' }] }),
            )
          : this.#elb.send(new RemoveTagsCommand({ ResourceArns, TagKeys: [LATCHED_TAG] })),
      )
    }
  }

  /** The services whose rule is marked as latched. */
  async marked(): Promise<Set<string>> {
    const rules = [...(await this.rules())]
    if (rules.length === 0) return new Set()
    const ResourceArns = rules.map(([, { RuleArn }]) => RuleArn as string)
    const { TagDescriptions = [] } = await call(
      'elasticloadbalancing:DescribeTags',
      this.#elb.send(new DescribeTagsCommand({ ResourceArns })),
    )
    const tagged = TagDescriptions.filter(({ Tags }) =>
      Tags?.some(({ Key, Value }) => Key === LATCHED_TAG && Value === 'true'),
    ).map(({ ResourceArn }) => ResourceArn)
    return new Set(
      rules.filter(([, { RuleArn }]) => tagged.includes(RuleArn)).map(([name]) => name),
    )
  }

  /** The rule of each service that has one. */
  async rules(): Promise<Map<string, Rule>> {
    const services = Object.entries(this.#layout.services)
    const listeners = [...new Set(services.map(([, { listener }]) => listener))]
    const found = new Map(
      await Promise.all(
        listeners.map(async (listener) => [listener, await this.#rulesOf(listener)] as const),
      ),
    )
    return new Map(
      services.flatMap(([name, service]) => {
        const others = services.flatMap(([other, { green }]) => (other === name ? [] : [green]))
        const rule = ruleOf(service, found.get(service.listener) ?? [], others)
        return rule ? [[name, rule] as const] : []
      }),
    )
  }

  async #rulesOf(listener: string): Promise<Rule[]> {
    const rules: Rule[] = []
    let Marker: string | undefined
    do {
      const page = await call(
        `elasticloadbalancing:DescribeRules ${listener}`,
        this.#elb.send(new DescribeRulesCommand({ ListenerArn: listener, Marker })),
      )
      rules.push(...(page.Rules ?? []))
      Marker = page.NextMarker
    } while (Marker)
    return rules
  }

  #service(name: string): AwsService {
    const service = this.#layout.services[name]
    if (service) return service
    throw new Refused(
      `"${name}" is no service of this rollout; it has ${Object.keys(this.#layout.services).join(', ')}`,
    )
  }
}

/**
 * The rule that splits a service's traffic, and is not for tests alone: it forwards to green, and where
 * several do, to blue too. Where the plan names another green by now, which the rule has not yet, it is
 * known by its priority: another rule that forwards to blue, or to the new green alone, is somebody else's.
 * @param others greens of the other services, which had that priority before a service came in between
 */
function ruleOf(
  { blue, green, priority }: AwsService,
  rules: readonly Rule[],
  others: readonly string[],
): Rule | undefined {
  const splitting = rules.filter((rule) => !isForTests(rule) && groupsOf(rule).length > 0)
  const isOurs = (rule: Rule) => rule.Priority === String(priority)
  const has = (rule: Rule, group: string) => groupsOf(rule).some(({ arn }) => arn === group)
  const hasBlue = (rule: Rule) => blue !== undefined && has(rule, blue)
  const isAnothers = (rule: Rule) => others.some((group) => group !== green && has(rule, group))
  return (
    splitting.find((rule) => isOurs(rule) && has(rule, green)) ??
    splitting.find((rule) => hasBlue(rule) && has(rule, green)) ??
    splitting.find(
      (rule) => isOurs(rule) && !isAnothers(rule) && (blue === undefined || hasBlue(rule)),
    ) ??
    splitting.find((rule) => has(rule, green))
  )
}

function isForTests({ Conditions = [] }: Rule): boolean {
  return Conditions.some(
    ({ HttpHeaderConfig }) => HttpHeaderConfig?.HttpHeaderName?.toLowerCase() === ACCESS_HEADER,
  )
}

function groupsOf(rule: Rule) {
  const forward = rule.Actions?.find(({ Type }) => Type === 'forward')
  const groups = forward?.ForwardConfig?.TargetGroups ?? []
  if (groups.length === 0 && forward?.TargetGroupArn) {
    return [{ arn: forward.TargetGroupArn, weight: 1 }]
  }
  return groups.map(({ TargetGroupArn, Weight }) => ({
    arn: TargetGroupArn ?? '',
    weight: Weight ?? 1,
  }))
}

/** True when the rule gives green more than these weights, or a cookie wins over them. */
function givesMore(rule: Rule, asked: Weights, service: AwsService): boolean {
  const sticky = rule.Actions?.find(({ Type }) => Type === 'forward')?.ForwardConfig
    ?.TargetGroupStickinessConfig?.Enabled
  return sticky === true || shareOf(groupsOf(rule), service) > asked.green
}
