import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeregisterTargetsCommand,
  ModifyRuleCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { PutParameterCommand } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AwsLayout, parameterNames } from '../../../platforms/aws/layout.ts'
import { AlbRouter } from '../../../platforms/aws/router.ts'
import { Operations } from '../../../platforms/operations.ts'
import { greenOf, split } from '../../../rollout/weights.ts'
import { type HookStand, openStand, SERVICE } from '../../hooks/lambda/stand.ts'

// What the rules of a load balancer come to, on moto.

let stand: HookStand

beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand?.close())
beforeEach(() => stand.reset(10))

const green = async (router = stand.router) => greenOf(await router.read(), SERVICE)

/** The weights of the service's rule, by target group. */
const weights = async () => {
  const { Actions } = (await stand.router.rules()).get(SERVICE) ?? {}
  const groups = Actions?.[0]?.ForwardConfig?.TargetGroups ?? []
  return Object.fromEntries(groups.map(({ TargetGroupArn, Weight }) => [TargetGroupArn, Weight]))
}

describe('an admission on AWS, whose engine writes the rule itself', () => {
  const admit = (position: string) => {
    const { plan, planHash } = stand.charge
    const operations = new Operations({
      ...{ store: stand.store, router: stand.router, now: () => new Date() },
      ...{ alarms: () => [], guard: () => ({ alive: true, planHash }), announce: () => {} },
    })
    const request = { plan, planHash, position, attempt: 1, confirmed: [], clock: 1 }
    return operations.admit(request, 1)
  }

  it.each([
    ['a rise', 0, `${SERVICE}@10`, 'green'],
    ['a fall', 10, 'start', 'blue'],
  ] as const)('refuses %s onto a group without a healthy target', async (_what, at, to, colour) => {
    await stand.reset(at)
    const target = {
      TargetGroupArn: stand.account.groups[colour],
      Targets: [{ Id: '127.0.0.1', Port: stand.ports[colour] }],
    }
    await stand.clients.balancer.send(new DeregisterTargetsCommand(target))
    const refused = await admit(to).catch((error: Error) => error)
    await stand.clients.balancer.send(new RegisterTargetsCommand(target))
    expect(String(refused)).toContain(`${colour} of ${SERVICE} is absent or ill`)
    expect((await admit(to)).permitted[SERVICE]?.green).toBe(10 - at)
  })
})

describe('a rule whose green is no longer the one of the plan', () => {
  let edited: AlbRouter
  let newer: string

  const groupOf = async (Name: string) => {
    const { TargetGroups = [] } = await stand.clients.balancer.send(
      new CreateTargetGroupCommand({ Name, TargetType: 'lambda' }),
    )
    return TargetGroups[0]?.TargetGroupArn as string
  }

  /** Somebody's own rule, not of this rollout. */
  const ruleOf = async (Priority: number, host: string, group: string) => {
    const { balancer } = stand.clients
    const { Rules = [] } = await balancer.send(
      new CreateRuleCommand({
        ...{ ListenerArn: stand.account.listener, Priority },
        Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: [host] } }],
        Actions: [
          { Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn: group }] } },
        ],
      }),
    )
    return Rules[0]?.RuleArn
  }

  /** Where things are, as the function reads it; an update writes it before the weights. */
  const place = (layout: AwsLayout) =>
    stand.clients.parameters.send(
      new PutParameterCommand({
        ...{ Name: parameterNames(stand.reference.name).layout, Type: 'String', Overwrite: true },
        Value: JSON.stringify(layout),
      }),
    )

  beforeAll(async () => {
    newer = await groupOf('newer')
    const service = stand.layout.services[SERVICE] as (typeof stand.layout.services)[string]
    const layout = { ...stand.layout, services: { [SERVICE]: { ...service, green: newer } } }
    edited = new AlbRouter(stand.clients.balancer, layout, 10)
    await place(layout)
    // Nearer to the front than the rollout's own.
    await ruleOf(1, 'old.example.com', stand.account.groups.blue)
    await ruleOf(2, 'beta.example.com', newer)
  })

  it('still gives green what is not blue’s', async () => {
    expect(await green(edited)).toBe(10)
  })

  it('is taken from its users by the function, and nobody else’s rule is changed', async () => {
    await stand.moto.forgetCalls()
    expect(await stand.call(stand.alarm())).toEqual({ did: 'rolled back' })
    expect(await weights()).toEqual({ [stand.account.groups.blue]: 100, [newer]: 0 })
    const writes = (await stand.moto.calls()).filter(({ action }) => action === 'ModifyRule')
    expect(writes).toHaveLength(1)
    expect(await edited.marked()).toEqual(new Set([SERVICE]))
  })

  it('keeps what is left of a rollback step by step with the green that users have', async () => {
    const { blue, green: own } = stand.account.groups
    await edited.write({ [SERVICE]: split(5) })
    expect(await weights()).toEqual({ [blue]: 95, [own]: 5 })
  })

  it('is not taken for that of a service that came in before it and shares its blue', async () => {
    const own = stand.layout.services[SERVICE] as (typeof stand.layout.services)[string]
    const services = {
      auth: { ...own, green: await groupOf('auth') },
      [SERVICE]: { ...own, priority: Number(own.priority) + 3 },
    }
    const both = new AlbRouter(stand.clients.balancer, { ...stand.layout, services }, 10)
    expect(await both.read()).toEqual({ auth: split(0), [SERVICE]: split(10) })
    await both.write({ auth: split(0) })
    expect(await green()).toBe(10)
  })

  it('counts a third group beside both colours as green’s', async () => {
    const { RuleArn } = (await stand.router.rules()).get(SERVICE) ?? {}
    const { blue, green: own } = stand.account.groups
    const group = (TargetGroupArn: string, Weight: number) => ({ TargetGroupArn, Weight })
    const TargetGroups = [group(blue, 50), group(own, 25), group(newer, 25)]
    const Actions = [{ Type: 'forward' as const, ForwardConfig: { TargetGroups } }]
    await stand.clients.balancer.send(new ModifyRuleCommand({ RuleArn, Actions }))
    expect(await green()).toBe(50)
    await stand.router.write({ [SERVICE]: split(0) })
    expect(await weights()).toEqual({ [blue]: 100, [own]: 0 })
  })
})
