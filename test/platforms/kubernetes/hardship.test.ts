import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { holderOf } from '../../../platforms/kubernetes/lease.ts'
import { commandJob } from '../../../platforms/kubernetes/manifests/command.ts'
import { FIELD_MANAGER, pods, routeName, routes } from '../../../platforms/kubernetes/names.ts'
import { GatewayProbe } from '../../../platforms/kubernetes/probe.ts'
import { notAccepted, ownMetadata, type Route } from '../../../platforms/kubernetes/route.ts'
import { RouteRouter } from '../../../platforms/kubernetes/router.ts'
import { ConfigMapStore } from '../../../platforms/kubernetes/store.ts'
import { Refused, Unavailable } from '../../../platforms/platform.ts'
import { latchOf } from '../../../rollout/observation.ts'
import { split } from '../../../rollout/weights.ts'
import { BedCluster } from '../../beds/kubernetes/cluster.ts'
import type { Pod } from '../../beds/kubernetes/pod.ts'
import { BACKUP, SERVICE } from '../../contracts/contract.ts'
import { type KubernetesBed, openKubernetesBed } from '../../contracts/kubernetes-bed.ts'

const LIMIT = { timeout: 90_000, interval: 200 }
const WAITS = ['bake', 'evidence', 'baseline', 'alarm', 'unavailable', 'guard']

function bedOf(throttle?: string) {
  let bed: KubernetesBed<BedCluster>
  beforeAll(async () => {
    const cluster = await BedCluster.start({ throttle })
    // As a cluster that lets no pod have more than it needs: all that is deployed here has to live with it.
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    await cluster.api.patch('/api/v1/namespaces/default', 'merge', { metadata: { labels } })
    bed = await openKubernetesBed(cluster)
  })
  afterAll(() => bed?.teardown())
  const request = (position: string, attempt: number) => {
    const { plan, planHash, clock } = bed
    return { plan, planHash, position, attempt, confirmed: [], clock }
  }
  const go = async (position: string, attempt = 1, first = false): Promise<void> => {
    const asked = request(position, attempt)
    for (const until = performance.now() + 90_000; ; ) {
      try {
        const last = first ? undefined : Math.max(1, attempt - 1)
        const admission = await bed.platform.admit(asked, last)
        for (const [service, weights] of Object.entries(admission.permitted)) {
          await bed.platform.setWeights(service, weights)
        }
        await bed.platform.verify(asked)
        return
      } catch (error) {
        // A gateway that has just lost the API server takes a change when it has found it again.
        const waits =
          error instanceof Unavailable ||
          (error instanceof Refused &&
            error.refusals.length > 0 &&
            error.refusals.every(({ code }) => WAITS.includes(code)))
        if (!waits || performance.now() > until) throw error
      }
      await bed.traffic(50)
    }
  }
  const toFirstStep = async () => {
    await go('start', 1, true)
    await bed.platform.backup(BACKUP, bed.plan, () => {})
    await go('shop@10')
  }
  /** Users go on all the while. */
  const untilLatched = async () => {
    await expect
      .poll(async () => {
        await bed.traffic(100)
        return latchOf(await bed.platform.observe())?.latched
      }, LIMIT)
      .toBe(true)
    await expect.poll(async () => (await bed.platform.readWeights())[SERVICE]?.green, LIMIT).toBe(0)
  }
  return { bed: () => bed, go, request, toFirstStep, untilLatched }
}

/** The process of a pod on this host. */
function processOf(pod: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0')
      if (environment.includes(`POD_NAME=${pod}`)) return Number(name)
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`no process of pod ${pod}`)
}

describe('a cluster in trouble', () => {
  const { bed, go, request, toFirstStep, untilLatched } = bedOf()

  beforeAll(toFirstStep)

  it('takes nothing back because the API server is away, and green stays where it is', async () => {
    const { cluster } = bed()
    await cluster.stop('api')
    const away = performance.now() + 3_000
    while (performance.now() < away) await bed().traffic(50)
    await cluster.startAgain('api')
    await expect
      .poll(async () => (await bed().platform.observe()).guard, LIMIT)
      .toMatchObject({ alive: true })
    const observed = await bed().platform.observe()
    expect(latchOf(observed)).toMatchObject({ latched: false, trips: 0 })
    expect((await bed().platform.readWeights())[SERVICE]?.green).toBe(10)
  })

  it('rolls back once the API server is there again after ten seconds away in a breach', async () => {
    const { cluster } = bed()
    await cluster.stop('api')
    await bed().breakGreen()
    const away = performance.now() + 10_000
    while (performance.now() < away) await bed().traffic(50)
    await cluster.startAgain('api')
    await untilLatched()
    expect(latchOf(await bed().platform.observe())?.trip).toMatchObject({ cause: 'errors' })
    await bed().mendGreen()
  })

  it('rolls back although the hook that guards was killed in the same moment', async () => {
    const { cluster, place } = bed()
    await go('start', 2)
    await go('shop@10', 2)
    const holder = await holderOf(cluster.api, place)
    await bed().breakGreen()
    process.kill(processOf(String(holder)), 'SIGKILL')
    await untilLatched()
    await bed().mendGreen()
    expect(latchOf(await bed().platform.observe())?.trips).toBe(2)
  })

  it('names another controller that owns the weights, and does not raise green over it', async () => {
    const { cluster, place } = bed()
    const path = `${routes(place)}/${routeName(place, SERVICE)}`
    const { spec } = await cluster.api.get<Route>(path)
    await cluster.api.patch(path, 'apply', ofRoute(place, spec), {
      fieldManager: 'flagger',
      force: 'true',
    })
    const router = new RouteRouter({ api: cluster.api, place })
    const owns = /flagger owns the weights of HTTPRoute default\/contract-shop, green 0 now/
    await expect(router.write({ [SERVICE]: split(10) })).rejects.toThrow(owns)
    // Nor does an update raise it, which would take the weights by force.
    await go('start', 3)
    const rise = () => bed().platform.admit(request('shop@10', 3), 2)
    await expect
      .poll(async () => {
        await bed().traffic(50)
        return rise().catch(({ message }: Error) => message)
      }, LIMIT)
      .toMatch(owns)
    const forgotten = { metadata: { managedFields: [{}] } }
    await cluster.api.patch(path, 'merge', forgotten)
    await go('shop@10', 3)
    await go('start', 3)
  })

  it('makes no pod that a namespace for restricted pods refuses', async () => {
    const { cluster, place, plan } = bed()
    const job = { what: 'copy', run: ['copy'], environment: {}, timeoutMs: 1_000 }
    const { template } = commandJob(place, plan, job)['spec'] as { template: Pod }
    const create = (changes: object) =>
      cluster.api.ask('POST', pods(place), {
        query: { dryRun: 'All' },
        body: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'copy' },
          spec: { ...template.spec, ...changes },
        },
      })
    await create({})
    await expect(create({ hostNetwork: true })).rejects.toThrow(/violates PodSecurity/)
  })

  it('writes a latch only over the one that was read', async () => {
    const { cluster, place } = bed()
    const [one, other] = [1, 2].map(() => new ConfigMapStore(cluster.api, place))
    const [mine, theirs] = [await one?.readLatch(), await other?.readLatch()]
    if (!mine || !theirs) throw new Error('no latch')
    await other?.writeLatch({ ...theirs, attempt: theirs.attempt + 1 }, theirs)
    await expect(one?.writeLatch({ ...mine }, mine)).rejects.toThrow(/another process/)
  })

  it('does not take the word Accepted for it: a mirror that the gateway answers with 500 is seen', async () => {
    const { cluster, place } = bed()
    const path = `${routes(place)}/${routeName(place, SERVICE)}`
    const route = await cluster.api.get<Route>(path)
    const rules = (route.spec.rules ?? []).map((rule, at, all) => {
      const backendRef = { name: `${place.name}-${SERVICE}-green`, port: 80 }
      const mirror = { type: 'RequestMirror', requestMirror: { backendRef } }
      return at === all.length - 1 ? { ...rule, filters: [mirror] } : rule
    })
    await cluster.api.patch(
      path,
      'apply',
      { ...ofRoute(place, { ...route.spec, rules }), metadata: meta(place, ownMetadata(route)) },
      { fieldManager: FIELD_MANAGER, force: 'true' },
    )
    const { address } = cluster
    await expect.poll(async () => (await fetch(address)).status, LIMIT).toBe(500)
    expect(notAccepted(await cluster.api.get<Route>(path))).toBeUndefined()
    const probe = new GatewayProbe({
      address,
      path: () => '/healthz',
    })
    const router = new RouteRouter({ api: cluster.api, place, probe })
    await expect(router.seen([SERVICE], {})).rejects.toThrow(/does not do it/)
  })
})

describe('a gateway that gathers changes', () => {
  const { bed, go, toFirstStep } = bedOf('2s')

  it('is told of, with how long it took', async () => {
    await toFirstStep()
    const { cluster, place, platform } = bed()
    const told = async () => {
      const events = await new ConfigMapStore(cluster.api, place).readEvents()
      return events.map(({ message }) => message).join('\n')
    }
    // On a busy machine a rollback may come when the gateway gathers no more: then again.
    const until = performance.now() + LIMIT.timeout
    for (let attempt = 1; ; attempt++) {
      await platform.rollback({ by: 'a tester', reason: 'right after a step' })
      const said = await told()
      if (SLOW.test(said)) return
      if (performance.now() > until) expect(said).toMatch(SLOW)
      await go('start', attempt + 1)
      await go('shop@10', attempt + 1)
    }
  })
})

const SLOW = /the gateway took \d\.\d s/

const meta = (place: { name: string; namespace: string }, more: object = {}) => ({
  name: routeName(place, SERVICE),
  namespace: place.namespace,
  ...more,
})

function ofRoute(place: { name: string; namespace: string }, spec: object) {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: meta(place),
    spec,
  }
}
