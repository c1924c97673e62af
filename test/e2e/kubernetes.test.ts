import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Load, startLoad } from '../../examples/load.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import { commandJob } from '../../platforms/kubernetes/manifests/command.ts'
import {
  configMaps,
  jobs,
  objectName,
  routeName,
  routes,
} from '../../platforms/kubernetes/names.ts'
import { type Route, withGreen } from '../../platforms/kubernetes/route.ts'
import { journalOf } from '../../rollout/observation.ts'
import { split } from '../../rollout/weights.ts'
import { openCluster } from '../beds/kubernetes/open-cluster.ts'
import type { TestCluster, TestDatabase } from '../beds/kubernetes/test-cluster.ts'
import { clusterPlanOf, SECRET } from './cluster-plan.ts'
import { ClusterStack } from './cluster-stack.ts'
import { inOrder } from './in-order.ts'

/** Times faster than real: a day of bake is five seconds. */
const CLOCK = 17_280

describe('huntred in a cluster', () => {
  let cluster: TestCluster
  let database: TestDatabase
  let stack: ClusterStack
  let load: Load
  /** What users were failed. */
  const failed: Answer[] = []

  inOrder()
  beforeAll(async () => {
    cluster = await openCluster(['huntred'])
    database = await cluster.openDatabase(['huntred', 'huntred_v2'])
    await cluster.api.create(`/api/v1/namespaces/${cluster.namespace}/secrets`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: SECRET },
      stringData: {
        HUNTRED_URL: database.url('huntred'),
        HUNTRED_V2_URL: database.url('huntred_v2'),
      },
    })
    stack = await ClusterStack.create(cluster, clusterPlanOf('huntred', cluster))
    stack.set({ clock: CLOCK, confirmed: ['huntred@25', 'huntred@25#2'] })
  }, 300_000)

  afterAll(async () => {
    await load?.stop()
    stack?.close()
    await cluster?.close()
    await database?.close()
  }, 180_000)

  const latch = () => stack.latch()
  const journal = async () => {
    const found = journalOf(await stack.platform.observe())
    if (!found) throw new Error('no journal')
    return found
  }
  const ok = (result: { code: number; output: string }) => {
    expect(result.output).not.toContain('error:')
    expect(result.code).toBe(0)
  }
  const deployment = (name: string) =>
    cluster.api.find(`${pathOf('Deployment', cluster.namespace)}/${name}`)
  const routePath = () => `${routes(stack.place)}/${routeName(stack.place, 'huntred')}`

  it('is deployed with green at 0, which a header reaches', async () => {
    ok(await stack.up())
    expect(await stack.green('huntred')).toBe(0)
    const url = `${cluster.address}/healthz`
    await stack.until('the gateway to have the route', async () => (await fetch(url)).ok)
    const seen = await fetch(url)
    expect([seen.status, seen.headers.get('x-sluice-color')]).toEqual([200, 'blue'])
    const green = await fetch(url, { headers: { 'x-sluice-access': 'green' } })
    expect([green.status, green.headers.get('x-sluice-color')]).toEqual([200, 'green'])
    load = startLoad({
      url: cluster.address,
      paths: ['/api/candidates'],
      rate: 60,
      seconds: 900,
      // Lost is not late.
      timeoutMs: 60_000,
      onAnswer: (answer) => {
        if (answer.status === 0 || answer.status >= 500) failed.push(answer)
      },
    })
  })

  it('has judged every gate of its start, and run what comes before the first step', async () => {
    const free = async () => (await stack.held('huntred@5')).length === 0
    await stack.until('nothing to hold the first step', free, 240).catch(async (error: Error) => {
      const held = await stack.held('huntred@5')
      throw new Error([error.message, ...held.map(({ message }) => message)].join('\n'))
    })
    const { verdicts, operations = [] } = await journal()
    const passed = verdicts.filter(({ result }) => result === 'passed').map(({ gate }) => gate)
    expect(passed.toSorted()).toEqual([...(stack.plan.start.gates ?? [])].toSorted())
    expect(operations.at(-1)).toMatchObject({
      operation: 'copy',
      position: 'start',
      result: 'done',
    })
    expect(operations.at(-1)?.reason).toMatch(/exit code 0.*persons/s)
    // What keeps both sides alike runs beside it, and its lag is seen, where Prometheus is reached.
    if (cluster.prometheus === undefined) return
    const query = new URLSearchParams({ query: 'max(sync_lag_seconds{operation="sync"})' })
    let lag: string | undefined
    // Between two scrapes of a busy machine there is none.
    await stack.until('the lag to be seen', async () => {
      const asked = await fetch(`${cluster.prometheus}/api/v1/query?${query}`)
      const { data } = (await asked.json()) as { data: { result: { value: [number, string] }[] } }
      lag = data.result[0]?.value[1]
      return lag !== undefined
    })
    expect(Number(lag)).toBeLessThan(10)
  }, 300_000)

  it('lets the hook make no Job but in the image of the runner, without rights', async () => {
    const account = `/api/v1/namespaces/${cluster.namespace}/serviceaccounts/sluice-e2e-hook/token`
    const { status } = await cluster.api.ask<{ status: { token: string } }>('POST', account, {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    })
    const own = { what: 'probe', run: ['true'], environment: {}, timeoutMs: 1_000 }
    const job = commandJob(stack.place, stack.plan, own)
    const asHook = (change: (text: string) => string) =>
      cluster.api.ask('POST', jobs(stack.place), {
        body: JSON.parse(change(JSON.stringify(job))),
        query: { dryRun: 'All' },
        headers: { authorization: `Bearer ${status.token}` },
      })
    await asHook((text) => text)
    for (const [from, to, why] of [
      [`"image":"${stack.plan.runner?.image}"`, '"image":"other:1"', 'image'],
      ['"automountServiceAccountToken":false', '"serviceAccountName":"default"', 'token'],
      [`"secretRef":{"name":"${SECRET}"}`, '"secretRef":{"name":"sluice-e2e-hook"}', 'Secret'],
      ['"configMap":{"name":"sluice-e2e-code"}', '"hostPath":{"path":"/"}', 'volume'],
      [
        '"allowPrivilegeEscalation":false',
        '"allowPrivilegeEscalation":true',
        'more than a process',
      ],
    ] as const) {
      await expect(asHook((text) => text.replace(from, to))).rejects.toThrow(why)
    }
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

  it('rolls back by itself when green has lost a function, and latches', async () => {
    await fault({ 'lost-integrations': 1 })
    await expect.poll(async () => (await latch()).latched, { timeout: 120_000 }).toBe(true)
    await expect.poll(() => stack.green('huntred'), { timeout: 60_000 }).toBe(0)
    await fault(undefined)
    expect((await latch()).trip).toMatchObject({
      position: 'huntred@25',
      cause: 'lost-integrations',
    })
  }, 240_000)

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
    // Less of blue is more of green: it is the share that is held to the ceiling.
    const ceiling = (green: string) => ({ data: { 'green.huntred': green } })
    const latchMap = `${configMaps(stack.place)}/${objectName(stack.place, 'latch')}`
    await cluster.api.patch(latchMap, 'merge', ceiling('25'))
    const half = { spec: { rules: withGreen(route, { blue: 1, green: 1 }) } }
    await expect(cluster.api.patch(routePath(), 'merge', half)).rejects.toThrow(/latched/)
    await cluster.api.patch(latchMap, 'merge', ceiling('0'))
    expect(await stack.green('huntred')).toBe(0)
  })

  it('succeeds in its second attempt, to the end', async () => {
    ok(await stack.set({ step: 'start', attempt: 2 }).up())
    expect((await latch()).latched).toBe(false)
    for (const weight of [5, 10, 25, 50, 100]) ok(await stack.step(`huntred@${weight}`))
    for (const position of ['promoted', 'released']) ok(await stack.step(position))
    expect(await deployment('e2e-sync-operation')).toBeDefined()
    ok(await stack.step('retired'))
    expect(await deployment('e2e-huntred-blue')).toBeUndefined()
    expect(await deployment('e2e-sync-operation')).toBeUndefined()
    expect(await stack.green('huntred')).toBe(100)
  }, 600_000)

  it('has lost no request', async () => {
    const { sent } = await load.stop()
    console.log(`${sent} requests`)
    expect(sent).toBeGreaterThan(1_000)
    expect(failed).toEqual([])
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
