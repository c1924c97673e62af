import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../../examples/load.ts'
import { AdminSocket } from '../../platforms/local/admin-socket.ts'
import { inOrder } from './in-order.ts'
import { TestStack } from './test-stack.ts'

describe('a green that answers 500 to everything at 25 %', () => {
  let stack: TestStack
  let load: Load

  inOrder()
  beforeAll(async () => {
    stack = await TestStack.create()
    await stack.up()
    load = startLoad({
      url: stack.url,
      rate: 100,
      seconds: 900,
      paths: ['/api/me', '/api/candidates/'],
    })
    for (const weight of [5, 10, 25]) {
      const result = await stack.step(`huntred@${weight}`)
      if (result.code !== 0) throw new Error(result.output)
    }
  })
  afterAll(async () => {
    await load?.stop()
    await stack?.close()
  })

  const latch = () => stack.latch()

  it('loses its traffic with no engine running and nobody typing', async () => {
    await stack.fault('green', { errors: 1 })
    await stack.until('the rollback', async () => (await stack.green()) === 0, 20)
    await stack.fault('green', undefined)
    expect(await latch()).toMatchObject({ latched: true, trips: 1 })
    expect((await latch()).trip).toMatchObject({
      cause: 'errors',
      position: 'huntred@25',
      landing: 'start',
    })
  })

  it('warns in the preview, with both numbers and the two lines to type', async () => {
    const preview = await stack.preview()
    expect(preview.code).toBe(0)
    expect(preview.output).toMatch(/latched: trip 1, errors: .* against 5%, at 20/)
    expect(preview.output).toContain('pulumi config set sluice:attempt 2')
    expect(preview.output).toContain('pulumi config set sluice:step start')
  })

  it('brings the state to what is live, and fails', async () => {
    const up = await stack.up()
    expect(up.code).not.toBe(0)
    expect(up.output).toContain('ROLLED BACK')
    expect(await stack.green()).toBe(0)
    const again = await stack.up()
    expect(again.code).not.toBe(0)
    expect(await stack.green()).toBe(0)
  })

  it.each([
    ['a higher step', { step: 'huntred@50' }, []],
    ['an attempt that is raised too far', { step: 'huntred@25', attempt: 3 }, []],
    [
      'targets',
      { step: 'huntred@25', attempt: 1 },
      ['--target', '**weights-huntred', '--target', '**verification'],
    ],
    [
      'a refresh and a target',
      { step: 'huntred@25', attempt: 1 },
      ['--refresh', '--target', '**weights-huntred'],
    ],
    ['an exclusion', { step: 'huntred@25', attempt: 1 }, ['--exclude', '**admission']],
    ['continue-on-error', { step: 'huntred@25', attempt: 1 }, ['--continue-on-error', '--refresh']],
  ])('stays at 0 whatever is tried: %s', async (_what, config, flags) => {
    stack.set(config)
    await stack.up(...flags)
    expect(await stack.green()).toBe(0)
    expect((await latch()).latched).toBe(true)
  })

  it('begins a second attempt at its landing, and succeeds', async () => {
    const acknowledged = await stack.set({ step: 'start', attempt: 2 }).up()
    expect(acknowledged.output).not.toContain('error:')
    expect(acknowledged.code).toBe(0)
    expect((await latch()).latched).toBe(false)
    for (const weight of [5, 10, 25, 50, 100]) {
      const result = await stack.step(`huntred@${weight}`)
      expect(result.output).not.toContain('error:')
      expect(await stack.green()).toBe(weight)
    }
  })

  it('goes back up by an update after weights that were lowered by hand were adopted', async () => {
    const { socket, map } = stack.layout.haproxy
    await new AdminSocket(socket).ask(`set map ${map} huntred 5000`)
    await stack.platform.adopt()
    expect(await stack.green()).toBe(50)
    const result = await stack.step('huntred@100')
    expect(result.output).not.toContain('error:')
    expect(await stack.green()).toBe(100)
  })
})
