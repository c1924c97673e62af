import { afterEach, describe, expect, it } from 'vitest'
import { callOf } from '../../../hooks/lambda/event.ts'
import { tellChannels } from '../../../hooks/lambda/tell.ts'
import type { Clients } from '../../../platforms/aws/clients.ts'
import type { RolloutEvent } from '../../../platforms/store.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
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
function fromTopic(...events: RolloutEvent[]): RolloutEvent[] {
  const call = callOf({
    Records: events.map((event) => ({
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      Sns: { Type: 'Notification', Message: JSON.stringify({ rollout: 'shop', ...event }) },
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
})
