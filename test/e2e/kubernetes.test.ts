import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Load, startLoad } from '../../examples/load.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import { routeName, routes } from '../../platforms/kubernetes/names.ts'
import { type Route, withGreen } from '../../platforms/kubernetes/route.ts'
import { split } from '../../rollout/weights.ts'
import { openCluster } from '../beds/kubernetes/open-cluster.ts'
import type { TestCluster, TestDatabase } from '../beds/kubernetes/test-cluster.ts'
import { ClusterStack } from './cluster-stack.ts'

describe('huntred in a cluster', () => {
  let cluster: TestCluster
  let database: TestDatabase
  let stack: ClusterStack
  let load: Load
  /** What users were failed, and when green was told to fail. */
  const failed: Answer[] = []
  const broken = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY }

  beforeAll(async () => {
    cluster = await openCluster(['huntred'])
    const { examples, namespace, part, runner } = cluster
    database = await cluster.openDatabase(['huntred'])
    await cluster.api.create(`/api/v1/namespaces/${namespace}/secrets`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'huntred-env' },
      stringData: { HUNTRED_URL: database.url('huntred') },
    })
    const colour = (version: string, port: number) => ({
      image: examples.image,
      command: ['node', join(examples.folder, 'examples', 'huntred', version)],
      port,
      environment: { EXAMPLE_FAULTS: '1' },
    })
    stack = await ClusterStack.create(cluster, {
      name: 'huntred',
      services: {
        huntred: {
          blue: colour('v1.ts', 8391),
          green: colour('v2.ts', 8392),
          affinity: { header: 'x-user-id' },
        },
      },
      steps: [5, 10, 25, 50, 100],
      bake: '1s',
      minimumRequests: 1,
      guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
      backups: {
        huntred: { postgres: 'env:HUNTRED_URL', before: 'first-step', maximumAge: '1h' },
      },
      retire: { after: '0s' },
      runner: { image: runner },
      kubernetes: { ...part, secret: 'huntred-env', claim: 'huntred' },
    })
  }, 300_000)

  afterAll(async () => {
    await load?.stop()
    stack?.close()
    await cluster?.close()
    await database?.close()
  }, 180_000)

  const latch = () => stack.latch()
  const ok = (result: { code: number; output: string }) => {
    expect(result.output).not.toContain('error:')
    expect(result.code).toBe(0)
  }
  const routePath = () => `${routes(stack.place)}/${routeName(stack.place, 'huntred')}`

  it('is deployed with green at 0, which a header reaches', async () => {
    ok(await stack.up())
    expect(await stack.green('huntred')).toBe(0)
    const url = `${cluster.address}/healthz`
    const seen = await fetch(url)
    expect([seen.status, seen.headers.get('x-sluice-color')]).toEqual([200, 'blue'])
    const green = await fetch(url, { headers: { 'x-sluice-access': 'green' } })
    expect([green.status, green.headers.get('x-sluice-color')]).toEqual([200, 'green'])
    load = startLoad({
      url: cluster.address,
      paths: ['/api/candidates'],
      rate: 60,
      seconds: 900,
      onAnswer: (answer) => {
        if (answer.status === 0 || answer.status >= 500) failed.push(answer)
      },
    })
  })

  it('shows a step as one native resource whose weights change', async () => {
    const preview = await stack.set({ step: 'huntred@5' }).preview()
    const native = preview.output.split('\n').filter((line) => /[~+-].*kubernetes:/.test(line))
    expect(native).toHaveLength(1)
    expect(native[0]).toContain('HTTPRoute')
    expect(preview.output).toMatch(/weight: 100 => 95/)
    expect(preview.output).toMatch(/weight: 0 +=> 5/)
  })

  it('goes to 25 step by step, and a second update changes nothing', async () => {
    for (const weight of [5, 10, 25]) {
      ok(await stack.step(`huntred@${weight}`))
      expect(await stack.green('huntred')).toBe(weight)
    }
    const again = await stack.up()
    expect(again.output).toMatch(/\d+ unchanged/)
    expect(again.output).not.toMatch(/\d+ (updated|created)/)
  }, 300_000)

  it('refuses a rise after another hand changed the weights, and names the drift', async () => {
    const route = await cluster.api.get<Route>(routePath())
    const rules = withGreen(route, split(20))
    const by = { fieldManager: 'somebody' }
    await cluster.api.patch(routePath(), 'merge', { spec: { rules } }, by)
    const refused = await stack.set({ step: 'huntred@50' }).preview()
    expect(refused.code).not.toBe(0)
    expect(refused.output).toMatch(/drift|differ|another/i)
    const back = { spec: { rules: withGreen(route, split(25)) } }
    await cluster.api.patch(routePath(), 'merge', back, by)
  })

  it('rolls back by itself when green answers errors, and latches', async () => {
    broken.from = performance.now()
    await fault({ errors: 1 })
    await expect.poll(async () => (await latch()).latched, { timeout: 60_000 }).toBe(true)
    await expect.poll(() => stack.green('huntred'), { timeout: 60_000 }).toBe(0)
    broken.to = performance.now() + 1_000
    await fault(undefined)
    expect((await latch()).trip).toMatchObject({ position: 'huntred@25', cause: 'errors' })
  })

  it.each([
    ['a plain update', 'huntred@25', []],
    ['a refresh and a target', 'huntred@25', ['--refresh', '--target', '**HTTPRoute**']],
    ['another step', 'huntred@50', []],
  ] as const)('keeps green at 0 while latched: %s', async (_what, step, flags) => {
    const result = await stack.set({ step }).up(...flags)
    if (flags.length === 0) expect(result.code).not.toBe(0)
    expect(await stack.green('huntred')).toBe(0)
    expect((await latch()).latched).toBe(true)
  })

  it('has the API server itself deny a rise while latched, whoever writes it', async () => {
    const route = await cluster.api.get<Route>(routePath())
    const denied = cluster.api.patch(routePath(), 'merge', {
      spec: { rules: withGreen(route, split(30)) },
    })
    await expect(denied).rejects.toThrow(/latched/)
    expect(await stack.green('huntred')).toBe(0)
  })

  it('succeeds in its second attempt, to the end', async () => {
    ok(await stack.set({ step: 'start', attempt: 2 }).up())
    expect((await latch()).latched).toBe(false)
    for (const weight of [5, 10, 25, 50, 100]) ok(await stack.step(`huntred@${weight}`))
    for (const position of ['promoted', 'released', 'retired']) ok(await stack.step(position))
    const blue = await cluster.api.find(
      `${pathOf('Deployment', cluster.namespace)}/e2e-huntred-blue`,
    )
    expect(blue).toBeUndefined()
    expect(await stack.green('huntred')).toBe(100)
  }, 600_000)

  it('has lost no request but those that green was told to fail', async () => {
    const { sent } = await load.stop()
    const unexpected = failed.filter(({ at }) => at < broken.from || at > broken.to)
    console.log(`${sent} requests, ${failed.length} failed while green was broken`)
    expect(unexpected).toEqual([])
  })

  /** Tells the pods of green, through the gateway; several times, as it chooses between them. */
  async function fault(faults: Record<string, number> | undefined): Promise<void> {
    for (let told = 0; told < 12; told++) {
      const response = await fetch(`${cluster.address}/faults`, {
        method: faults ? 'PUT' : 'DELETE',
        headers: { 'x-sluice-access': 'green', 'content-type': 'application/json' },
        ...(faults ? { body: JSON.stringify(faults) } : {}),
      })
      expect(response.status).toBe(200)
    }
  }
})
