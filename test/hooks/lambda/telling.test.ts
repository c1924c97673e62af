import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { alarmName } from '../../../platforms/aws/alarms.ts'
import { greenOf } from '../../../rollout/weights.ts'
import type { Change } from '../../beds/aws/cloudwatch-harness.ts'
import { alarmEvent, bridgeEvent } from '../../beds/aws/events.ts'
import { type HookStand, openStand, SERVICE } from './stand.ts'

let stand: HookStand
/** What stood in the history before a test. */
let before = new Set<string>()
let changes = 0

beforeAll(async () => {
  stand = await openStand({
    notify: { team: { webhook: 'env:TEAM' }, boss: { webhook: 'env:BOSS', only: 'named' } },
    escalation: [
      { errors: '1%', notify: ['team'] },
      { errors: '50%', notify: ['boss'], rollback: true },
    ],
    aws: { secret: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-abc' },
  })
})
afterAll(() => stand?.close())
beforeEach(async () => {
  await stand.reset(10)
  before = new Set((await events()).map((event) => JSON.stringify(event)))
})

const change = (guardrail: string, at: Date): Change => ({
  alarm: {
    AlarmName: alarmName(stand.reference.name, SERVICE, guardrail),
    AlarmArn: 'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:of-the-bed',
  },
  ...{ from: 'OK', to: 'ALARM', reasonData: JSON.stringify({ recentDatapoints: [62] }), at },
})
/** Both calls for the same change, twice each; each change in a second of its own. */
const fourTimes = (guardrail: string) => {
  const at = new Date(Date.now() + 1_000 * ++changes)
  return Promise.all(
    [alarmEvent, bridgeEvent, alarmEvent, bridgeEvent].map((event) =>
      stand.call(event(change(guardrail, at))),
    ),
  )
}
const events = () => stand.store.readEvents(1_000)
const told = async (...kinds: string[]) =>
  (await events()).filter(
    (event) => kinds.includes(event.kind) && !before.has(JSON.stringify(event)),
  )

it('tells people once of an alarm that it is called for four times, and again when it begins anew', async () => {
  const done = await fourTimes('slow')
  expect(done.filter((one) => JSON.stringify(one) === '{"did":"hold"}')).toHaveLength(1)
  expect(await told('alarm')).toMatchObject([{ details: { guardrail: 'slow', service: SERVICE } }])
  await fourTimes('slow')
  expect(await told('alarm')).toHaveLength(2)
})

it("tells a level's own people once, and leaves green where it is", async () => {
  await fourTimes('escalation.1%')
  expect(await told('escalation')).toMatchObject([
    { severity: 'critical', details: { notify: ['team'], threshold: '1%' } },
  ])
  expect(greenOf(await stand.router.read(), SERVICE)).toBe(10)
})

it('takes green back at a level that says so, and then tells its people', async () => {
  await fourTimes('escalation.50%')
  expect(await stand.store.readLatch()).toMatchObject({
    ...{ latched: true, trips: 1 },
    trip: { cause: 'escalation', value: 'error rate 62%', threshold: '50%' },
  })
  expect(greenOf(await stand.router.read(), SERVICE)).toBe(0)
  const events = await told('tripped', 'escalation')
  expect(events.map(({ kind }) => kind).toSorted()).toEqual(['escalation', 'tripped'])
  const escalation = events.find(({ kind }) => kind === 'escalation')
  expect(escalation).toMatchObject({ details: { notify: ['boss'] } })
  const calls = (await stand.moto.calls()).map(({ action }) => action)
  expect(calls).toContain('ModifyRule')
  expect(calls.indexOf('Publish')).toBeGreaterThan(calls.indexOf('ModifyRule'))
})

it('tells of a level that was crossed before something else took green back', async () => {
  await stand.call(stand.alarm())
  await fourTimes('escalation.50%')
  expect((await stand.store.readLatch())?.trip?.cause).toBe('errors')
  expect(await told('escalation')).toHaveLength(1)
})

it('tells them also where nothing can be written down', async () => {
  const denied = { action: 'PutParameter', code: 'AccessDeniedException', status: 400 }
  await stand.moto.setFaults([{ service: 'ssm', ...denied }])
  const done = await stand.call(alarmEvent(change('slow', new Date())))
  await stand.moto.setFaults([])
  expect(done).toEqual({ did: 'hold' })
  expect((await stand.moto.calls()).some(({ action }) => action === 'Publish')).toBe(true)
})

it('tells nobody of a green without users, which only gates have asked', async () => {
  await stand.reset(0)
  expect(await fourTimes('escalation.1%')).toMatchObject(Array(4).fill({ did: 'nothing' }))
  expect(await told('escalation')).toEqual([])
})
