import { join } from 'node:path'
import { bundleHook } from '../../components/kubernetes/bundle.ts'
import { planFiles } from '../../components/kubernetes/files.ts'
import { KubernetesPlatform } from '../../platforms/kubernetes/client.ts'
import { ensureToken, guardedHash, handOver } from '../../platforms/kubernetes/hand-over.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import { manifestsOf } from '../../platforms/kubernetes/manifests/all.ts'
import { routeManifest } from '../../platforms/kubernetes/manifests/service.ts'
import {
  ACCESS_HEADER,
  configMaps,
  FIELD_MANAGER,
  objectName,
  pods,
  routeName,
  routes,
  secrets,
} from '../../platforms/kubernetes/names.ts'
import { type Route, withGreen } from '../../platforms/kubernetes/route.ts'
import { RouteRouter } from '../../platforms/kubernetes/router.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { kubernetesPart } from '../../rollout/schema/kubernetes.ts'
import { greenOf, split } from '../../rollout/weights.ts'
import { checkout } from '../../tools/checkout.ts'
import type { TestCluster } from '../beds/kubernetes/test-cluster.ts'
import { query } from '../platforms/local/server.ts'
import { BACKUP, type Bed, contractPlan, SERVICE } from './contract.ts'
import { send } from './send.ts'

const CLOCK = 60

/** The PersistentVolumeClaim that the plan's backups are kept in. */
export const CLAIM = 'contract'

export type KubernetesBed<C extends TestCluster = TestCluster> = Bed & {
  cluster: C
  /** Green answers 500 to this share of its requests, 0 to 1. */
  failGreen(share: number): Promise<void>
  place: { name: string; namespace: string }
}

/**
 * A cluster with the rollout deployed as the components declare it; at its end the cluster goes too.
 * @param changes of the contract's plan
 */
export async function openKubernetesBed<C extends TestCluster>(
  cluster: C,
  changes: Partial<PlanInput> = {},
): Promise<KubernetesBed<C>> {
  const { api, address, namespace, part, examples, runner } = cluster
  const place = { name: 'contract', namespace }
  const colour = (name: string) => ({
    image: examples.image,
    command: ['node', join(examples.folder, 'test/contracts/colour.ts')],
    port: name === 'blue' ? 8001 : 8002,
    environment: { COLOUR: name },
  })
  const { plan, planHash } = parsePlan({
    ...contractPlan,
    ...changes,
    services: { [SERVICE]: { blue: colour('blue'), green: colour('green') } },
    runner: { image: runner },
    kubernetes: { ...part, secret: 'contract-env', claim: CLAIM },
  })
  const database = await cluster.openDatabase([BACKUP])
  const teardown = async () => {
    await cluster.close()
    await database.close()
  }
  const router = new RouteRouter({ api, place })
  const create = async (manifest: { kind: string }) => {
    await api.create(pathOf(manifest.kind, place.namespace), manifest)
  }
  const scaleHook = (replicas: number) =>
    api.patch(`${pathOf('Deployment', place.namespace)}/${objectName(place, 'hook')}`, 'merge', {
      spec: { replicas },
    })
  /** Tells each pod of green, through the gateway, which chooses between them. */
  const failGreen = async (share: number) => {
    const told = new Set<string>()
    await until('each pod of green to be told', async () => {
      const headers = { [ACCESS_HEADER]: 'green' }
      const { headers: answer } = await fetch(`${address}/fault`, {
        method: 'PUT',
        headers,
        body: String(share),
      })
      const pod = answer.get('x-process')
      if (pod !== null) told.add(pod)
      return told.size >= kubernetesPart(plan).replicas
    })
  }
  const until = async (what: string, is: () => Promise<boolean>) => {
    const end = performance.now() + 60_000
    while (!(await is().catch(() => false))) {
      if (performance.now() > end) throw new Error(`waited a minute for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  try {
    await query(
      database.outside(BACKUP),
      'create table orders as select i as id from generate_series(1, 1000) i',
    )
    await api.create(secrets(place), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'contract-env' },
      stringData: { ORDERS_URL: database.url(BACKUP) },
    })
    await ensureToken(api, place)
    const declared = {
      ...{ plan, clock: CLOCK, keepBlue: true },
      code: bundleHook(checkout),
      files: planFiles(plan, checkout, (problem) => {
        throw new Error(problem)
      }),
    }
    for (const manifest of manifestsOf(place, declared)) {
      await create(manifest)
    }
    const route = routeManifest(place, plan, SERVICE, split(0))
    await api.patch(`${routes(place)}/${routeName(place, SERVICE)}`, 'apply', route, {
      fieldManager: FIELD_MANAGER,
    })
    await handOver(api, place, { plan, planHash, clock: CLOCK, timeoutMs: 60_000 })
    await until('both colours and the gateway', async () => {
      const both = await Promise.all(
        (['blue', 'green'] as const).map((name) => router.healthy(SERVICE, name)),
      )
      const { failed } = await send(`${address}/`, 5)
      return both.every(Boolean) && failed === 0
    })
  } catch (error) {
    await teardown()
    throw error
  }
  return {
    cluster,
    place,
    platform: new KubernetesPlatform(api, place),
    plan,
    planHash,
    clock: CLOCK,
    traffic: (count) => send(`${address}/`, count),
    failGreen,
    breakGreen: () => failGreen(1),
    mendGreen: () => failGreen(0),
    meddle: async (weights) => {
      const path = `${routes(place)}/${routeName(place, SERVICE)}`
      const route = await api.get<Route>(path)
      const rules = withGreen(route, split(greenOf(weights, SERVICE)))
      await api.patch(path, 'merge', { spec: { rules } }, { fieldManager: 'kubectl-edit' })
    },
    lose: async (what) => {
      await api.delete(`${configMaps(place)}/${objectName(place, what)}`)
    },
    faults: {
      router:
        'routes, latch and journal are one API server: where it is away nothing can be written at all, and a test of its own shows what happens',
      guard: {
        take: async () => {
          await scaleHook(0)
          await until('the hook to end', async () => {
            const selector = { labelSelector: 'app.kubernetes.io/component=rollback-hook' }
            return (await api.list(pods(place), selector)).length === 0
          })
        },
        giveBack: async () => {
          await scaleHook(2)
          await until('the hook to guard again', async () =>
            Object.hasOwn(await guardedHash(api, place), 'planHash'),
          )
        },
      },
      database: {
        take: () => database.down(),
        giveBack: () => database.up(),
      },
    },
    teardown,
  }
}
