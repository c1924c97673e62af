import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyDocument } from '../../components/aws/policies.ts'
import { type Load, startLoad } from '../../examples/load.ts'
import { changedTypes, otherHands } from './aws-other-hands.ts'
import { AwsStack } from './aws-stack.ts'
import { tearsDown, verbs } from './aws-verbs.ts'
import { inOrder } from './in-order.ts'

const PATHS = ['/api/ml/analyze/1/', '/api/candidates/', '/api/proposals/12/', '/dashboard/']
/** What a person says of the one gate that asks. */
const CONFIRMED = ['huntred@25', 'huntred@25#2']

describe('the huntred stack on AWS, by the stand-ins and with the real engine', () => {
  let stack: AwsStack
  let load: Load

  inOrder()
  beforeAll(async () => {
    stack = await AwsStack.create()
  })
  afterAll(async () => {
    await load?.stop()
    await stack?.close()
  })

  it('deploys with green at 0 and refuses a step before that', async () => {
    const early = await stack.set({ step: 'huntred@5' }).preview()
    expect(early.code).not.toBe(0)
    expect(early.output).toContain('nothing is deployed yet')
    const deployed = await stack.set({ step: 'start', confirmed: CONFIRMED }).up()
    expect(deployed.output).not.toContain('error:')
    expect(deployed.code).toBe(0)
    expect(await stack.green()).toBe(0)
    // Lost is not late, and nobody waits for a connection.
    const patient = { connections: 64, timeoutMs: 60_000 }
    load = startLoad({ url: stack.url, rate: 60, seconds: 3_600, paths: PATHS, ...patient })
    await stack.untilGuarded()
  })

  it('says where news is and what the deployer is to be denied, as outputs of the stack', async () => {
    const said = async (name: string) =>
      (await stack.pulumi('stack', 'output', name, '--stack', 'e2e')).output.trim()
    expect(await said('topic')).toMatch(/^arn:aws:sns:.*:news-/)
    const { Statement } = JSON.parse(await said('deployerPolicy')) as PolicyDocument
    expect(Statement.map(({ Effect }) => Effect)).toEqual(['Deny', 'Deny'])
  })

  it('shows one changed resource of AWS in a step, with the two weights', async () => {
    await stack.free('huntred@5', 120)
    const preview = await stack.set({ step: 'huntred@5' }).preview()
    expect(preview.output).not.toContain('error:')
    const changed = changedTypes(preview.output)
    expect(changed.filter((type) => !type.startsWith('sluice:'))).toEqual([
      'aws:lb/listenerRule:ListenerRule',
    ])
    expect(preview.output).toMatch(/weight\s*: 100 => 95/)
    expect(preview.output).toMatch(/weight\s*: 0 => 5/)
    // Beside it our own rows, in which the same two weights stand.
    expect(changed).toContain('sluice:index:Admission')
    expect(preview.output).toMatch(/blue\s*: 100 => 95/)
    expect(preview.output).toMatch(/green\s*: 0 => 5/)
  })

  it('goes to 5', async () => {
    const result = await stack.step('huntred@5')
    expect(result.output).not.toContain('error:')
    expect(await stack.green()).toBe(5)
  })

  verbs(() => stack)
  otherHands(() => stack)

  it('begins a second attempt at the landing', async () => {
    const acknowledged = await stack.set({ step: 'start', attempt: 2 }).up()
    expect(acknowledged.output).not.toContain('error:')
    expect((await stack.latch()).latched).toBe(false)
    expect(await stack.green()).toBe(0)
  })

  it.each([5, 10, 25, 50, 100])('goes to %i in the second', async (weight) => {
    const result = await stack.step(`huntred@${weight}`)
    expect(result.output).not.toContain('error:')
    expect(await stack.green()).toBe(weight)
  })

  it.each(['promoted', 'released', 'retired'])('goes to %s', async (position) => {
    const result = await stack.step(position)
    expect(result.output).not.toContain('error:')
    expect(await stack.green()).toBe(100)
  })

  it('has lost no request of users but those that the broken green answered itself', async () => {
    const { sent, answered, failures } = await load.stop()
    expect(answered).toBeGreaterThan(1_000)
    expect(failures.filter(({ reason }) => reason !== 'status 500')).toEqual([])
    expect(sent).toBe(answered)
  })

  tearsDown(() => stack)
})
