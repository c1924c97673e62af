import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../../examples/load.ts'
import { HaproxyRouter } from '../../platforms/local/router.ts'
import { stopService } from '../../platforms/local/supervisor.ts'
import { TestStack } from './test-stack.ts'

/** What changes, without the engine's signs of life, which come as often as it takes long. */
const changesIn = (output: string): string[] =>
  output.split('\n').filter((line) => /^\s*[~+-] /.test(line))

describe('a rollout on the real engine, from start to retired', () => {
  let stack: TestStack
  let load: Load

  beforeAll(async () => {
    stack = await TestStack.create()
  })
  afterAll(async () => {
    await load?.stop()
    await stack?.close()
  })

  it('deploys with green at 0 and refuses a step before that', async () => {
    const early = await stack.set({ step: 'huntred@5' }).preview()
    expect(early.code).not.toBe(0)
    expect(early.output).toContain('nothing is deployed yet')
    const deployed = await stack.set({ step: 'start' }).up()
    expect(deployed.output).not.toContain('error:')
    expect(deployed.code).toBe(0)
    expect(await stack.green()).toBe(0)
    load = startLoad({
      url: stack.url,
      rate: 100,
      seconds: 900,
      paths: ['/api/me', '/api/candidates/'],
    })
  })

  it('shows the weights of a step with the old and the new figure, twice the same', async () => {
    stack.set({ step: 'huntred@5' })
    await stack.until('the bake of start', async () => (await stack.preview()).code === 0)
    const first = await stack.preview()
    expect(first.output).toMatch(/blue\s*: 100 => 95/)
    expect(first.output).toMatch(/green\s*: 0\s+=> 5/)
    const second = await stack.preview()
    expect(changesIn(second.output)).toEqual(changesIn(first.output))
    const changed = [...first.output.matchAll(/^\s*[~+-] (sluice:\S+):/gm)].map((match) => match[1])
    expect(new Set(changed)).toEqual(
      new Set([
        'sluice:index:Admission',
        'sluice:index:Backup',
        'sluice:index:Verdict',
        'sluice:index:Verification',
        'sluice:local:Weights',
      ]),
    )
  })

  it.each([5, 10, 25, 50, 100])('goes to %i, one line of config at a time', async (weight) => {
    const result = await stack.step(`huntred@${weight}`)
    expect(result.output).not.toContain('error:')
    expect(result.code).toBe(0)
    expect(await stack.green()).toBe(weight)
  })

  it('an unchanged up changes nothing', async () => {
    const again = await stack.preview('--expect-no-changes')
    expect(again.output).not.toContain('error:')
    expect(again.code).toBe(0)
  })

  it('refuses to delete blue, or the rollout, before it is retired', async () => {
    const destroyed = await stack.pulumi('destroy', '--yes', '--skip-preview')
    expect(destroyed.code).not.toBe(0)
    expect(destroyed.output).toContain('sluice teardown e2e')
    expect(await stack.green()).toBe(100)
    const retired = await stack.set({ step: 'retired' }).preview()
    expect(retired.code).not.toBe(0)
    expect(retired.output).toContain('positions after')
    stack.set({ step: 'huntred@100' })
  })

  it.each(['promoted', 'released', 'retired'])('goes to %s', async (position) => {
    const result = await stack.step(position)
    expect(result.output).not.toContain('error:')
    expect(result.code).toBe(0)
    expect(await stack.green()).toBe(100)
  })

  it('needs no hook any more: with it dead, green keeps everything', async () => {
    await stopService(stack.layout, 'hook')
    const before = load.stats().versions['v2']?.answered ?? 0
    const routed = new HaproxyRouter(stack.layout)
    await stack.until(
      'two more seconds of answers by green',
      () => (load.stats().versions['v2']?.answered ?? 0) > before + 300,
    )
    expect(await routed.guardState()).toBe('disarmed')
  })

  it('lost no request on the whole way', async () => {
    await load.stop()
    const stats = load.stats()
    expect(stats.failures).toEqual([])
    expect(stats.answered).toBe(stats.sent)
  })
})
