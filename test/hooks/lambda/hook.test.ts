import {
  CreateRuleCommand,
  DeleteRuleCommand,
  ModifyRuleCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { DeleteParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hookPolicy } from '../../../components/aws/policies.ts'
import { callOf } from '../../../hooks/lambda/event.ts'
import { answer, openHook } from '../../../hooks/lambda/hook.ts'
import { OWN_NAMESPACE } from '../../../platforms/aws/alarms.ts'
import { writeHeartbeat } from '../../../platforms/aws/heartbeat.ts'
import { parameterNames } from '../../../platforms/aws/layout.ts'
import { Unavailable } from '../../../platforms/platform.ts'
import type { RolloutEvent } from '../../../platforms/store.ts'
import { greenOf, split } from '../../../rollout/weights.ts'
import { scheduledEvent } from '../../beds/aws/events.ts'
import type { ApiCall } from '../../beds/aws/moto.ts'
import { type Asked, isAllowed } from '../../components/iam-simulation.ts'
import { type HookStand, openStand, SERVICE } from './stand.ts'

let stand: HookStand
let begun = ''
const made: Asked[] = []

beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand?.close())
beforeEach(async () => {
  await stand.reset(10)
  begun = new Date().toISOString()
})

const green = async () => greenOf(await stand.router.read(), SERVICE)
const latch = () => stand.store.readLatch()
const tripsTold = async () =>
  (await stand.store.readEvents(10_000)).filter(({ kind }) => kind === 'tripped').length

const isAsserted = ({ kind, at }: RolloutEvent) => kind === 'asserted' && at > begun

/** What the function called, in order; remembered for the test of its rights. */
async function called(): Promise<string[]> {
  const calls = (await stand.moto.calls()).filter(({ key }) => key === 'hook')
  made.push(...calls.flatMap(askedOf))
  return calls.map(({ service, action }) => `${service}:${action}`)
}

describe('the function, called by an alarm', () => {
  it('latches first, then flips, reads the rule until it stays, and only then tells', async () => {
    expect(await stand.call(stand.alarm())).toEqual({ did: 'rolled back' })
    const calls = await called()
    const latched = calls.indexOf('ssm:PutParameter')
    const flipped = calls.indexOf('elasticloadbalancing:ModifyRule')
    const told = calls.indexOf('sns:Publish')
    expect(latched).toBeGreaterThan(-1)
    expect(flipped).toBeGreaterThan(latched)
    expect(told).toBeGreaterThan(flipped)
    const reads = calls
      .slice(flipped, told)
      .filter((name) => name === 'elasticloadbalancing:DescribeRules')
    expect(reads.length).toBeGreaterThanOrEqual(3)
    expect(await latch()).toMatchObject({
      latched: true,
      trips: 1,
      trip: { cause: 'errors', value: 'error rate 43.8%', threshold: '20%', landing: 'start' },
    })
    expect(await green()).toBe(0)
    expect(await stand.router.marked()).toEqual(new Set([SERVICE]))
  })

  it('latches once under fifty calls at once, repeated, mixed and out of order', async () => {
    const before = await tripsTold()
    const at = (seconds: number) => new Date(Date.now() + seconds * 1_000)
    const events = Array.from({ length: 50 }, (_, n) => {
      if (n % 5 === 4) return stand.alarm('OK', at(n))
      return n % 2 === 0 ? stand.alarm('ALARM', at(50 - n)) : stand.bridged('ALARM', at(n))
    })
    const done = await Promise.allSettled(events.map((event) => stand.call(event)))
    expect(done.filter(({ status }) => status === 'rejected')).toEqual([])
    expect(await latch()).toMatchObject({ latched: true, trips: 1 })
    expect(await green()).toBe(0)
    expect((await tripsTold()) - before).toBe(1)
    // A rollback that another call is at work on is not told as somebody else's hand.
    expect((await stand.store.readEvents(10_000)).filter(isAsserted)).toEqual([])
  })

  it('does nothing for a later OK, which never clears the latch', async () => {
    await stand.call(stand.alarm())
    const held = await latch()
    expect(await stand.call(stand.alarm('OK'))).toMatchObject({ did: 'nothing' })
    expect(await latch()).toEqual(held)
  })

  it('does nothing for an event from before the last move, when the alarm is over', async () => {
    const late = await stand.call(stand.alarm('ALARM', new Date(Date.now() - 60_000)))
    expect(late).toMatchObject({ did: 'nothing' })
    expect(await green()).toBe(10)
    expect(await latch()).toMatchObject({ latched: false })
  })

  it('does nothing where green has no traffic', async () => {
    await stand.reset(0)
    expect(await stand.call(stand.alarm())).toMatchObject({ did: 'nothing' })
    expect(await latch()).toMatchObject({ latched: false })
  })

  it('comes through throttling of every service that it uses', async () => {
    await stand.moto.setFaults([
      { service: 'ssm', code: 'ThrottlingException', status: 400, times: 4 },
      { service: 'elasticloadbalancing', code: 'Throttling', status: 400, times: 4 },
      { service: 'monitoring', code: 'Throttling', status: 400, times: 2 },
    ])
    await stand.call(stand.alarm())
    expect(await latch()).toMatchObject({ latched: true, trips: 1 })
    expect(await green()).toBe(0)
  })

  it('latches where the API of the load balancer is away, and says that it could not flip', async () => {
    await stand.moto.setFaults([
      { service: 'elasticloadbalancing', code: 'ServiceUnavailable', status: 503 },
    ])
    await expect(stand.call(stand.alarm())).rejects.toThrow(/elasticloadbalancing:.*failed/)
    await stand.moto.setFaults([])
    expect(await latch()).toMatchObject({ latched: true, trips: 1 })
    expect(await green()).toBe(10)
    await stand.call(scheduledEvent('minute'))
    expect(await green()).toBe(0)
  })

  it('puts back a write that was in flight and lands after the flip', async () => {
    const working = stand.call(stand.alarm())
    await expect.poll(green, { timeout: 60_000, interval: 20 }).toBe(0)
    const { RuleArn, Actions } = (await stand.router.rules()).get(SERVICE) ?? {}
    const forward = structuredClone(Actions)
    for (const group of forward?.[0]?.ForwardConfig?.TargetGroups ?? []) group.Weight = 50
    await stand.clients.balancer.send(new ModifyRuleCommand({ RuleArn, Actions: forward }))
    await working
    expect(await green()).toBe(0)
  })

  it('rolls back without a journal and without a latch', async () => {
    await stand.lose('latch')
    await stand.lose('journal')
    await stand.call(stand.alarm())
    expect(await green()).toBe(0)
  })

  it('fails loudly where not even the layout is there, so that the event is kept', async () => {
    const { layout } = parameterNames(stand.reference.name)
    await stand.clients.parameters.send(new DeleteParameterCommand({ Name: layout }))
    await expect(stand.call(stand.alarm())).rejects.toThrow(/nothing of contract is deployed/)
    await expect(stand.call({ source: 'somebody else' })).rejects.toThrow()
    await restoreLayout()
  })
})

describe('the function, called each minute', () => {
  it('puts green back to 0 while latched, and marks the rule', async () => {
    await stand.call(stand.alarm())
    await stand.router.mark(false)
    await stand.router.write({ [SERVICE]: split(50) })
    await stand.call(scheduledEvent('minute'))
    expect(await green()).toBe(0)
    expect(await stand.router.marked()).toEqual(new Set([SERVICE]))
  })

  it('takes the mark off when the latch has been acknowledged, and not before', async () => {
    await stand.call(stand.alarm())
    await stand.call(scheduledEvent('minute'))
    expect(await stand.router.marked()).toEqual(new Set([SERVICE]))
    await stand.store.writeLatch({ trips: 1, attempt: 2, latched: false, ceiling: {} })
    await stand.call(scheduledEvent('minute'))
    expect(await stand.router.marked()).toEqual(new Set())
  })

  it('takes a latch that is gone for latched', async () => {
    await stand.lose('latch')
    await stand.call(scheduledEvent('minute'))
    expect(await latch()).toMatchObject({ latched: true, trip: { cause: 'latch missing' } })
    expect(await green()).toBe(0)
  })

  it('takes a latch that makes no sense for latched, and says how to be rid of all of it', async () => {
    const place = parameterNames(stand.reference.name).latch
    const broken = {
      Name: `${place}/00000099`,
      Value: '{"value": {"trips":',
      Type: 'String',
    } as const
    await stand.clients.parameters.send(new PutParameterCommand(broken))
    // With the newest alone deleted, one from before it would be the latch.
    await expect(latch()).rejects.toThrow(/delete-parameters --names .* --path \S+\/latch /)
    await stand.call(scheduledEvent('minute'))
    expect(await latch()).toMatchObject({ latched: true, trip: { cause: 'latch missing' } })
    expect(await green()).toBe(0)
  })

  it('takes nothing back because the latch could not be read', async () => {
    const parts = await openHook(stand.reference, stand.charge)
    parts.store.readLatch = () => Promise.reject(new Unavailable('ssm does not answer'))
    await answer(parts, callOf(scheduledEvent('minute')))
    expect(await latch()).toMatchObject({ latched: false })
    expect(await green()).toBe(10)
    expect(await stand.router.marked()).toEqual(new Set())
  })

  it('counts the time between two of its runs, and none after it was away', async () => {
    const guarded = async () => (await stand.store.readJournal())?.guardedMs ?? 0
    const minute = () => stand.call(scheduledEvent('minute'), { tick: 60 })
    const heardOf = (at: number) =>
      writeHeartbeat(stand.clients.parameters, stand.reference.name, {
        ...{ ...stand.charge, at: new Date(at).toISOString() },
      })
    await heardOf(Date.now())
    await minute()
    const counted = await guarded()
    expect(counted).toBeGreaterThan(0)
    await heardOf(Date.now() - 180_000)
    await minute()
    expect(await guarded()).toBe(counted)
  })

  it('reads green at 0 where the rule was deleted by another hand', async () => {
    const { RuleArn } = (await stand.router.rules()).get(SERVICE) ?? {}
    await stand.clients.balancer.send(new DeleteRuleCommand({ RuleArn }))
    await stand.call(stand.alarm())
    await stand.call(scheduledEvent('minute'))
    expect(await green()).toBe(0)
    await deployAgain()
  })
})

describe('the rights of the function', () => {
  it('cover every call that it has made here, each with what it was about', async () => {
    await stand.call(stand.alarm())
    await stand.call(scheduledEvent('minute'))
    await called()
    const policy = hookPolicy({
      rollout: stand.reference.name,
      listeners: [stand.account.listener],
      topic: stand.account.topic,
      deadLetters: 'arn:aws:sqs:eu-central-1:123456789012:failed',
      function: 'hook',
    })
    expect(new Set(made.map(({ action }) => action)).size).toBeGreaterThan(8)
    const about = made.filter(({ resource }) => resource !== '*')
    expect(new Set(about.map(({ action }) => action)).size).toBeGreaterThan(5)
    expect(made.filter((asked) => !isAllowed(policy, asked))).toEqual([])
  })
})

/** A recorded call as IAM sees it: one for each thing that it is about. */
function askedOf({ service, action, asked }: ApiCall): Asked[] {
  const name = `${service.replace('monitoring', 'cloudwatch')}:${action}`
  const about = (...resources: string[]) =>
    resources.map((resource) => ({ action: name, resource, context: contextOf(asked) }))
  const parameters = [asked['Name'] ?? asked['Names'] ?? asked['Path'] ?? []].flat()
  if (service === 'ssm') return about(...parameters.map((one) => `${PARAMETER}${one}`))
  const field = { ModifyRule: 'RuleArn', Publish: 'TopicArn' }[action]
  if (field) return about(String(asked[field]))
  if (action.endsWith('Tags') && action !== 'DescribeTags') {
    return about(String(asked['ResourceArns.member.1']))
  }
  return about('*')
}

const PARAMETER = 'arn:aws:ssm:eu-central-1:123456789012:parameter'

function contextOf(asked: ApiCall['asked']): Asked['context'] {
  const keys = Object.entries(asked).filter(([name]) =>
    /^Tag(s|Keys)\.member\.\d+(\.Key)?$/.test(name),
  )
  // What is put of metrics is in CBOR, which is not read here.
  const namespace = { 'cloudwatch:namespace': OWN_NAMESPACE }
  return { ...namespace, 'aws:TagKeys': keys.map(([, key]) => String(key)) }
}

async function restoreLayout(): Promise<void> {
  await stand.clients.parameters.send(
    new PutParameterCommand({
      Name: parameterNames(stand.reference.name).layout,
      Value: JSON.stringify(stand.layout),
      Type: 'String',
      Overwrite: true,
    }),
  )
}

async function deployAgain(): Promise<void> {
  const { listener, groups } = stand.account
  await stand.clients.balancer.send(
    new CreateRuleCommand({
      ListenerArn: listener,
      Priority: 30,
      Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } }],
      Actions: [
        {
          Type: 'forward',
          ForwardConfig: {
            TargetGroups: [
              { TargetGroupArn: groups.blue, Weight: 100 },
              { TargetGroupArn: groups.green, Weight: 0 },
            ],
          },
        },
      ],
    }),
  )
}
