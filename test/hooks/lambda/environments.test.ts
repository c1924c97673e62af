import { afterAll, beforeAll, expect, it } from 'vitest'
import { lambdaSurroundings } from '../../../hooks/lambda/surroundings.ts'
import { AwsPlatform } from '../../../platforms/aws/client.ts'
import { SsmStore } from '../../../platforms/aws/store.ts'
import { newJournal } from '../../../platforms/operations/entries.ts'
import type { RolloutEvent } from '../../../platforms/store.ts'
import { admit } from '../../../rollout/admission.ts'
import { clearLatch } from '../../../rollout/latch.ts'
import { isUnavailable } from '../../../rollout/observation.ts'
import { scheduledEvent } from '../../beds/aws/events.ts'
import { type HookStand, openStand } from './stand.ts'

let stand: HookStand
let staging: SsmStore

beforeAll(async () => {
  stand = await openStand({ environments: ['staging', 'production'] })
  stand.charge.environment = 'production'
  staging = new SsmStore(stand.clients.parameters, 'contract-staging')
  await stand.reset(0)
  await stand.call(scheduledEvent('minute'))
})
afterAll(() => stand?.close())

const request = () => ({
  ...{ plan: stand.charge.plan, planHash: stand.charge.planHash, position: 'shop@10' },
  ...{ attempt: 1, confirmed: [], clock: 1, environment: 'production' },
})
/** What holds the first step because of the environment before. */
const held = async () => {
  const platform = new AwsPlatform(stand.reference, stand.clients)
  const { refusals } = admit(request(), await platform.observe(), 'preview', 1)
  return refusals.filter(({ place }) => place === 'environment staging').map((one) => one.message)
}
/** Staging, as its own hook would have written it. */
const stagingAt = async (position: string | undefined) => {
  const journal = newJournal({ ...request(), position: 'start' }, new Date().toISOString())
  const verified = { position, at: new Date().toISOString() }
  await staging.writeJournal({ ...journal, verified } as typeof journal)
}
const rehearsedIn = (name: string) => lambdaSurroundings(stand).environment(stand.charge.plan, name)

it('holds a step while the environment before has been nowhere', async () => {
  expect(await held()).toEqual([
    'has no journal (none of a rollout contract-staging), so it has not been anywhere yet',
  ])
  expect(await rehearsedIn('staging')).toEqual({
    missing: 'no rollout contract-staging in this account and region',
  })
})

it('goes no further than the environment before, by its journal in the parameters', async () => {
  await stagingAt('start')
  expect(await held()).toEqual([
    'stands at start; this one goes only as far as that one has been and stayed',
  ])
  await stagingAt('shop@50')
  expect(await held()).toEqual([])
})

it('holds a step while what the environment before keeps cannot be read', async () => {
  const { previous } = await new AwsPlatform(stand.reference, stand.clients).observe()
  expect(previous).toMatchObject({ verified: { position: 'shop@50' } })
  await stagingAt(undefined)
  const broken = (await new AwsPlatform(stand.reference, stand.clients).observe()).previous
  expect(isUnavailable(broken)).toBe(true)
  expect(await held()).toEqual([expect.stringContaining('could not be checked: contract-staging')])
})

it('a gate may look at the rollbacks of another environment, and knows its own', async () => {
  await staging.writeLatch({ ...clearLatch(), trips: 1 })
  expect(await rehearsedIn('staging')).toMatchObject({ latch: { trips: 1 }, events: [] })
  expect(await rehearsedIn('production')).toBe('here')
})

it('keeps its rollbacks in the history, however much comes after them', async () => {
  const event = (kind: RolloutEvent['kind'], n: number): RolloutEvent => ({
    at: new Date(Date.parse('2027-03-01T02:00:00Z') + n * 1_000).toISOString(),
    ...{ kind, message: `${kind} ${n}`, severity: 'info' },
  })
  await staging.appendEvent(event('tripped', 0))
  for (let n = 1; n <= 45; n++) await staging.appendEvent(event('gate', n))
  await staging.pruneEvents()
  const kept = (await staging.readEvents(1_000)).map(({ message }) => message)
  expect(kept).toEqual(['tripped 0', ...Array.from({ length: 40 }, (_, n) => `gate ${n + 6}`)])
})
