import { afterEach, describe, expect, it } from 'vitest'
import { callOf } from '../../../hooks/lambda/event.ts'
import { tellChannels } from '../../../hooks/lambda/tell.ts'
import { heartbeatAlarm } from '../../../platforms/aws/alarms.ts'
import type { Clients } from '../../../platforms/aws/clients.ts'
import type { RolloutEvent } from '../../../platforms/store.ts'
import { audienceOf } from '../../../rollout/news.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import type { Change } from '../../beds/aws/cloudwatch-harness.ts'
import { alarmMessage } from '../../beds/aws/events.ts'
import { changed } from '../../rollout/plans.ts'
import { Site } from '../../site.ts'

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-1234567'
const { plan, planHash } = parsePlan(
  changed({
    notify: { pager: { webhook: 'env:PAGER_URL' }, chat: { slack: 'env:CHAT_URL' } },
    aws: { secret: SECRET },
  }),
)
const charge = { plan, planHash, clock: 1 }
const rolledBack: RolloutEvent = {
  at: '2026-11-21T12:00:00.000Z',
  kind: 'tripped',
  message: 'ROLLED BACK: trip 1',
  severity: 'critical',
}

const sites: Site[] = []
afterEach(async () => {
  for (const site of sites.splice(0)) await site.close()
})

async function address(status: number) {
  const bodies: unknown[] = []
  const site = await Site.open(({ body }, response) => {
    bodies.push(JSON.parse(body))
    response.writeHead(status).end('')
  })
  sites.push(site)
  return { url: `${site.url}/geheim`, bodies }
}

/** Secrets Manager with one entry. */
function holding(variables: Record<string, string>) {
  const asked: unknown[] = []
  const send = async ({ input }: { input: unknown }) => {
    asked.push(input)
    return { SecretString: JSON.stringify(variables) }
  }
  return { asked, clients: { secrets: { send } } as unknown as Clients }
}

/** The event by which SNS calls a function. */
function fromTopic(...events: (RolloutEvent | string)[]): RolloutEvent[] {
  const call = callOf({
    Records: events.map((event) => ({
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      Sns: {
        Type: 'Notification',
        Message: typeof event === 'string' ? event : JSON.stringify({ rollout: 'shop', ...event }),
      },
    })),
  })
  if (call.kind !== 'news') throw new Error(`taken for ${call.kind}`)
  return call.events
}

describe('what comes to the topic', () => {
  it('is told to the channels of the plan, at the addresses that the secret has', async () => {
    const [pager, chat] = [await address(200), await address(200)]
    const { clients, asked } = holding({ PAGER_URL: pager.url, CHAT_URL: chat.url })
    await tellChannels({ clients, charge }, fromTopic(rolledBack), [10])
    expect(pager.bodies).toMatchObject([{ rollout: 'shop', kind: 'tripped', level: 'critical' }])
    expect(chat.bodies).toEqual([{ text: 'shop [critical]: ROLLED BACK: trip 1' }])
    expect(asked).toEqual([{ SecretId: SECRET }])
  })

  it('fails where somebody is not reached, naming the channel and not its address', async () => {
    const [pager, chat] = [await address(200), await address(500)]
    const { clients } = holding({ PAGER_URL: pager.url, CHAT_URL: chat.url })
    const telling = tellChannels({ clients, charge }, fromTopic(rolledBack), [10])
    const error = await telling.catch((thrown: Error) => thrown)
    expect(String(error)).toContain('people could not be told: chat: status 500')
    expect(String(error)).not.toContain('geheim')
    expect(chat.bodies).toHaveLength(2)
  })

  it('fails where the secret lacks an address, naming the variable', async () => {
    const { clients } = holding({ PAGER_URL: (await address(200)).url })
    const telling = tellChannels({ clients, charge }, fromTopic(rolledBack), [10])
    await expect(telling).rejects.toThrow('CHAT_URL is not set')
  })

  const alarm = (AlarmName: string, to: Change['to'] = 'ALARM') =>
    alarmMessage({
      ...{ alarm: { AlarmName }, from: 'OK', to, reasonData: '' },
      at: new Date('2026-11-21T12:00:00.000Z'),
    })

  it('is also the word of CloudWatch that the hook is not heard of, for everybody who is told', async () => {
    const [pager, chat] = [await address(200), await address(200)]
    const { clients } = holding({ PAGER_URL: pager.url, CHAT_URL: chat.url })
    const { name } = heartbeatAlarm('shop')
    await tellChannels({ clients, charge }, fromTopic(alarm(name)), [10])
    expect(pager.bodies).toMatchObject([
      { kind: 'guard', level: 'critical', at: '2026-11-21T12:00:00.000Z' },
    ])
    expect(JSON.stringify(chat.bodies)).toContain(
      'shop [critical]: the hook of shop is not heard of: green is not guarded and keeps its traffic, and no weight rises; next: sluice doctor, or sluice rollback',
    )
  })

  it('is told as what it is where it is an alarm of somebody else, and nobody hears that one is over', () => {
    const [active, over] = fromTopic(alarm('disk'), alarm('disk', 'OK')) as [
      RolloutEvent,
      RolloutEvent,
    ]
    expect(active).toMatchObject({ kind: 'alarm', severity: 'warning' })
    expect(active.message).toContain('disk is ALARM: Threshold Crossed')
    expect(audienceOf(plan, over)).toEqual([])
  })

  it.each(['no JSON', '{"some":"thing"}'])('fails where it is neither: %s', (message) => {
    expect(() => fromTopic(message)).toThrow('neither news nor an alarm came to the topic')
  })
})
