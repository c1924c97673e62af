import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { Notifier } from '../../hooks/notify.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { changed } from '../rollout/plans.ts'
import { Site } from '../site.ts'
import { until } from './bench.ts'

const QUICK = [10, 20]
const sites: Site[] = []
const notifiers: Notifier[] = []
afterEach(async () => {
  for (const notifier of notifiers.splice(0)) notifier.stop()
  for (const site of sites.splice(0)) await site.close()
})

/** Somebody's address: what it was sent, and how it answers. */
async function address(variable: string, answer: (response: ServerResponse) => void) {
  const bodies: Record<string, unknown>[] = []
  const site = await Site.open(({ body }, response) => {
    bodies.push(JSON.parse(body))
    answer(response)
  })
  sites.push(site)
  process.env[variable] = `${site.url}/a-secret`
  return bodies
}

function notifier(): Notifier {
  const made = new Notifier(QUICK)
  notifiers.push(made)
  return made
}

const { plan } = parsePlan(
  changed({
    notify: {
      good: { webhook: 'env:TEST_GOOD' },
      chat: { slack: 'env:TEST_CHAT' },
      bad: { webhook: 'env:TEST_BAD', only: 'named' },
    },
    'guardrails.errors.notify': ['good', 'bad'],
  }),
)
const event = (more: Partial<RolloutEvent> = {}): RolloutEvent => ({
  at: '2026-05-01T12:00:00.000Z',
  kind: 'tripped',
  message: 'ROLLED BACK: trip 1',
  severity: 'critical',
  details: { record: { cause: 'errors' } },
  ...more,
})
const well = (response: ServerResponse) => response.end('ok')

describe('a notification', () => {
  it('says what happened and how severe it is, to a webhook and to a chat', async () => {
    const [good, chat] = [await address('TEST_GOOD', well), await address('TEST_CHAT', well)]
    await address('TEST_BAD', well)
    notifier().tell(plan, event())
    await until('both', () => good.length === 1 && chat.length === 1)
    expect(good[0]).toMatchObject({ rollout: 'shop', level: 'critical', kind: 'tripped' })
    expect(chat[0]).toEqual({ text: 'shop [critical]: ROLLED BACK: trip 1' })
  })

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['answers 500', (response) => response.writeHead(500).end('no'), /^bad: status 500$/],
    ['asks for patience', (response) => response.writeHead(429).end('no'), /^bad: status 429$/],
    ['breaks off', (response) => response.destroy(), /^bad: not reached/],
  ])('to an address that %s is retried with a limit, and shows', async (_, answer, error) => {
    const good = await address('TEST_GOOD', well)
    await address('TEST_CHAT', well)
    const bad = await address('TEST_BAD', answer)
    const one = notifier()
    const from = performance.now()
    one.tell(plan, event())
    // Nothing that is told waits for it.
    expect(performance.now() - from).toBeLessThan(1_000)
    await until('the failure', () => one.status().failed === 1)
    expect(bad).toHaveLength(QUICK.length + 1)
    expect(one.status().lastError).toMatch(error)
    expect(JSON.stringify(one.status())).not.toMatch(/a-secret/)
    await until('the others', () => good.length === 1)
    await until('the end', () => one.status().pending === 0)
  })

  it('to an address that hangs delays no other one', async () => {
    const good = await address('TEST_GOOD', well)
    const chat = await address('TEST_CHAT', well)
    const bad = await address('TEST_BAD', () => {})
    const one = notifier()
    for (let i = 0; i < 5; i++) one.tell(plan, event())
    await until('the others', () => good.length === 5 && chat.length === 5)
    expect(bad).toHaveLength(1)
    await until('only its own to wait', () => one.status().pending === 5)
    expect(one.status().failed).toBe(0)
  })

  it('to an address that answers without an end is over with its headers', async () => {
    const timers: NodeJS.Timeout[] = []
    await address('TEST_GOOD', well)
    await address('TEST_CHAT', well)
    const bad = await address('TEST_BAD', (response) => {
      const flood = Buffer.alloc(65_536, 'x')
      const timer = setInterval(() => response.write(flood), 1)
      response.on('close', () => clearInterval(timer))
      timers.push(timer)
    })
    const one = notifier()
    one.tell(plan, event())
    one.tell(plan, event())
    await until('both', () => bad.length === 2 && one.status().pending === 0)
    expect(one.status().failed).toBe(0)
    for (const timer of timers) clearInterval(timer)
  })

  it('waits with at most a hundred others; the least important is dropped, and that shows', async () => {
    await address('TEST_GOOD', well)
    await address('TEST_CHAT', well)
    await address('TEST_BAD', () => {})
    const one = notifier()
    const named = { notify: ['bad'] }
    one.tell(plan, event({ details: named }))
    for (let i = 0; i < 300; i++) {
      one.tell(plan, event({ kind: 'report', severity: 'info', details: named }))
    }
    one.tell(plan, event({ details: named }))
    const status = one.status()
    expect(status.pending).toBeLessThanOrEqual(101)
    expect(status.failed).toBe(201)
    expect(status.lastError).toMatch(/^bad: more than 100 messages waited/)
  })

  it('without an address in the environment shows as failed', async () => {
    await address('TEST_GOOD', well)
    await address('TEST_CHAT', well)
    delete process.env['TEST_BAD']
    const one = notifier()
    one.tell(plan, event())
    await until('the failure', () => one.status().failed === 1)
    expect(one.status().lastError).toBe('bad: TEST_BAD is not set in the environment of the hook')
  })
})
