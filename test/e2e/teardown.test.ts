import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { portsOf } from '../../platforms/local/layout.ts'
import { processesOf } from '../../platforms/local/processes.ts'
import { checkout } from '../../tools/checkout.ts'
import { TestStack } from './test-stack.ts'

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

describe('a stack under the policy pack, and its end', () => {
  let stack: TestStack
  const pack = ['--policy-pack', join(checkout, 'policies')]

  beforeAll(async () => {
    stack = await TestStack.create((plan) => ({
      ...plan,
      bake: '1s',
      minimumRequests: 1,
      steps: [5, 80, 100],
    }))
    const deployed = await stack.up()
    if (deployed.code !== 0) throw new Error(deployed.output)
  })
  afterAll(async () => {
    await stack?.close()
  })

  it('takes a small step under the policy pack', async () => {
    stack.set({ step: 'huntred@5' })
    await stack.until('the bake of start', async () => (await stack.preview()).code === 0)
    const preview = await stack.preview(...pack)
    expect(preview.output).toContain('sluice')
    expect(preview.code).toBe(0)
    expect((await stack.up()).code).toBe(0)
  })

  it('is refused a step of 75 points by the policy pack', async () => {
    stack.set({ step: 'huntred@80' })
    await stack.until('answers of green and the bake', async () => {
      await fetch(`${stack.url}/api/me`, { headers: { 'x-user-id': String(Math.random()) } })
      return (await stack.green()) === 5 && (await stack.held('huntred@80')).length === 0
    })
    const preview = await stack.preview(...pack)
    expect(preview.code).not.toBe(0)
    expect(preview.output).toContain('limit-step-size')
    expect(preview.output).toMatch(/75/)
    expect((await stack.preview()).code).toBe(0)
  })

  it('leaves no process and no port after a tear-down, but the databases', async () => {
    const { listen, hook, prometheus } = portsOf(stack.plan)
    const wrong = await stack.run('sluice', 'teardown', 'other', '-s', 'e2e')
    expect(wrong.code).toBe(2)
    expect(await listens(listen.port)).toBe(true)
    const gone = await stack.run('sluice', 'teardown', 'e2e')
    expect(gone.output).toContain('databases and backups stand in')
    expect(gone.code).toBe(0)
    for (const port of [listen.port, hook, prometheus, stack.port + 3, stack.port + 4]) {
      expect(await listens(port)).toBe(false)
    }
    expect(processesOf(stack.home, stack.layout.postgres.data)).toEqual([])
    expect(existsSync(stack.layout.postgres.data)).toBe(true)
  })

  it('can be deployed again on the data that stood, from start', async () => {
    const again = await stack.set({ step: 'start' }).up()
    expect(again.output).not.toContain('error:')
    expect(again.code).toBe(0)
    expect(await stack.green()).toBe(0)
  })

  it('deletes the databases where their deletion is asked for by name', async () => {
    const gone = await stack.run('sluice', 'teardown', 'e2e', '--delete-data', 'e2e')
    expect(gone.output).toContain('nothing of e2e is left')
    expect(gone.code).toBe(0)
    expect(existsSync(stack.home)).toBe(false)
  })
})
