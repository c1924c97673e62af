import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleHook } from '../../components/kubernetes/bundle.ts'
import { planFiles } from '../../components/kubernetes/files.ts'
import { KubernetesPlatform } from '../../platforms/kubernetes/client.ts'
import { ensureTokens, guardedHash, handOver } from '../../platforms/kubernetes/hand-over.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import { manifestsOf } from '../../platforms/kubernetes/manifests/all.ts'
import { routeManifest } from '../../platforms/kubernetes/manifests/service.ts'
import {
  configMaps,
  FIELD_MANAGER,
  objectName,
  routeName,
  routes,
} from '../../platforms/kubernetes/names.ts'
import { type Route, withGreen } from '../../platforms/kubernetes/route.ts'
import { RouteRouter } from '../../platforms/kubernetes/router.ts'
import { databaseUrl } from '../../platforms/local/layout.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { greenOf, split } from '../../rollout/weights.ts'
import { checkout } from '../../tools/checkout.ts'
import { BedCluster } from '../beds/kubernetes/cluster.ts'
import { BedDatabase } from '../beds/kubernetes/database.ts'
import { PORTS } from '../beds/kubernetes/settings.ts'
import { query } from '../platforms/local/server.ts'
import { BACKUP, type Bed, contractPlan, SERVICE } from './contract.ts'
import { send } from './send.ts'

const CLOCK = 60

export type KubernetesBed = Bed & {
  cluster: BedCluster
  place: { name: string; namespace: string }
}

/**
 * A cluster of real programs, with the rollout deployed as the components declare it.
 * @param changes of the contract's plan
 */
export async function openKubernetesBed(
  throttle?: string,
  changes: Partial<PlanInput> = {},
): Promise<KubernetesBed> {
  const cluster = await BedCluster.start({ throttle })
  const place = { name: 'contract', namespace: 'default' }
  const { api, folder } = cluster
  const faultOf = (name: string) => join(folder, `fault-${name}`)
  const colour = (name: string) => ({
    image: 'node:24-slim',
    command: ['node', join(checkout, 'test/contracts/colour.ts')],
    port: name === 'blue' ? 8001 : 8002,
    environment: { COLOUR: name, FAULT: faultOf(name) },
  })
  const { plan, planHash } = parsePlan({
    ...contractPlan,
    ...changes,
    services: { [SERVICE]: { blue: colour('blue'), green: colour('green') } },
    runner: { image: 'node:24' },
    kubernetes: {
      address: `http://127.0.0.1:${PORTS.gateway}`,
      metrics: `http://127.0.0.1:${PORTS.traefik}`,
      prometheus: `http://127.0.0.1:${PORTS.prometheus}`,
      secret: 'contract-env',
      claim: 'contract',
    },
  })
  const database = await BedDatabase.start(cluster, [BACKUP])
  const postgres = database.server
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
  const until = async (what: string, is: () => Promise<boolean>) => {
    const end = performance.now() + 60_000
    while (!(await is().catch(() => false))) {
      if (performance.now() > end) throw new Error(`waited a minute for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  try {
    await query(
      databaseUrl(postgres.layout, BACKUP),
      'create table orders as select i as id from generate_series(1, 1000) i',
    )
    await api.create('/api/v1/namespaces/default/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'contract-env' },
      stringData: { ORDERS_URL: database.url(BACKUP) },
    })
    await ensureTokens(api, place)
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
      const { failed } = await send(`http://127.0.0.1:${cluster.ports.gateway}/`, 5)
      return both.every(Boolean) && failed === 0
    })
  } catch (error) {
    console.error(cluster.log('api').slice(-2_000))
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
    traffic: (count) => send(`http://127.0.0.1:${cluster.ports.gateway}/`, count),
    breakGreen: () => writeFile(faultOf('green'), ''),
    mendGreen: () => rm(faultOf('green')),
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
            return (await api.list('/api/v1/namespaces/default/pods', selector)).length === 0
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
        take: () => postgres.down(),
        giveBack: async () => {
          postgres.up()
          await until('the database', async () => {
            await query(databaseUrl(postgres.layout, BACKUP), 'select 1')
            return true
          })
        },
      },
    },
    teardown,
  }
}
