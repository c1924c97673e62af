import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClusterObject } from '../../../platforms/kubernetes/api.ts'
import { pathOf } from '../../../platforms/kubernetes/kinds.ts'
import { colourManifests, routeManifest } from '../../../platforms/kubernetes/manifests/service.ts'
import {
  configMaps,
  FIELD_MANAGER,
  objectName,
  routeName,
  routes,
} from '../../../platforms/kubernetes/names.ts'
import { ConfigMapStore } from '../../../platforms/kubernetes/store.ts'
import { Refused, Unavailable } from '../../../platforms/platform.ts'
import { isUnavailable, journalOf, latchOf } from '../../../rollout/observation.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import { split } from '../../../rollout/weights.ts'
import { checkout } from '../../../tools/checkout.ts'
import { BedCluster } from '../../beds/kubernetes/cluster.ts'
import { BACKUP, contractPlan, SERVICE } from '../../contracts/contract.ts'
import { type KubernetesBed, openKubernetesBed } from '../../contracts/kubernetes-bed.ts'
import { isDeepChosen } from '../../e2e/seeded.ts'

const LIMIT = { timeout: 90_000, interval: 200 }
const node = (script: string) => ['node', '-e', script]
/** One that fires once green has traffic. */
const rises = { query: 'max(sluice_weight{color="green"})', above: 5 }

describe.runIf(isDeepChosen('kubernetes-plan-language'))(
  'a plan of gates, commands, checks and flags in a cluster',
  () => {
    let folder: string
    let ill: string
    let bed: KubernetesBed<BedCluster>

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sluice-ill-'))
      ill = join(folder, 'ill')
      bed = await openKubernetesBed(await BedCluster.start({ throttle: '10ms' }), {
        start: { bake: '30s', gates: ['answers', 'suite', 'started'] },
        gates: {
          answers: { cases: 'test/platforms/kubernetes/answers.yaml' },
          suite: { run: node('process.exit(process.env.SLUICE_POSITION === "start" ? 0 : 1)') },
          started: { query: 'max(sluice_start_seconds{color="green"})', below: 60 },
        },
        operations: {
          prepare: {
            run: node('console.log("knows", process.env.ORDERS_URL ? "its" : "no", "address")'),
            at: 'before-first-step',
          },
        },
        flags: { fast: {}, 'new-look': { follows: [SERVICE] } },
        guardrails: {
          ...contractPlan.guardrails,
          well: { check: '/', every: '30s', consecutiveFailures: 2, then: 'rollback' },
          slow: { ...rises, then: { flag: 'fast' } },
          noted: {
            ...rises,
            then: { run: node('console.log("scales", process.env.SLUICE_GUARDRAIL)') },
          },
        },
        external: { queue: { check: node(`process.exit(fs.existsSync('${ill}') ? 1 : 0)`) } },
        backups: { [BACKUP]: { ...contractPlan.backups[BACKUP], priority: 'high' } },
      })
    })
    afterAll(async () => {
      await bed?.teardown()
      rmSync(folder, { recursive: true })
    })

    const journal = async () => journalOf(await bed.platform.observe())
    const alarms = async () => {
      const { alarms: found } = await bed.platform.observe()
      return isUnavailable(found) ? [] : found.map(({ guardrail }) => guardrail)
    }
    /** Goes to a position once nothing holds it any more. */
    const go = async (position: string, first = false) => {
      const { plan, planHash, clock, platform } = bed
      const asked = { plan, planHash, position, attempt: 1, confirmed: [], clock }
      for (const until = performance.now() + 90_000; ; ) {
        try {
          const { permitted } = await platform.admit(asked, first ? undefined : 1)
          for (const [service, weights] of Object.entries(permitted)) {
            await platform.setWeights(service, weights)
          }
          await platform.verify(asked)
          return
        } catch (error) {
          const waits = error instanceof Refused || error instanceof Unavailable
          if (!waits || performance.now() > until) throw error
        }
        await bed.traffic(50)
      }
    }

    it('judges gates of requests, commands and starts, and runs an operation as a Job', async () => {
      await go('start', true)
      await expect
        .poll(async () => {
          await bed.traffic(50)
          const { verdicts = [] } = (await journal()) ?? {}
          const passed = verdicts.filter(({ result }) => result === 'passed')
          return passed.map(({ gate }) => gate).toSorted()
        }, LIMIT)
        .toEqual(['answers', 'started', 'suite'])
      await expect
        .poll(async () => (await journal())?.operations?.at(-1), LIMIT)
        .toMatchObject({ operation: 'prepare', position: 'start', result: 'done' })
      expect((await journal())?.operations?.at(-1)?.reason).toMatch(
        /exit code 0: knows its address$/,
      )
    })

    it('takes a backup of high priority by itself', async () => {
      await expect
        .poll(async () => (await bed.platform.backups()).map(({ name }) => name), LIMIT)
        .toContain(BACKUP)
    })

    it('holds every rise while a system outside is ill, and no longer', async () => {
      writeFileSync(ill, '')
      await expect.poll(alarms, LIMIT).toContain('external.queue')
      rmSync(ill)
      await expect.poll(alarms, LIMIT).not.toContain('external.queue')
    })

    it('sets a flag in the pods of both colours, and runs a command, as guardrails say', async () => {
      await go('shop@10')
      const flagsOf = (pod: string) =>
        join(bed.cluster.folder, 'pods', pod, 'volumes', 'flags', 'flags.json')
      await expect
        .poll(
          () =>
            readdirSync(join(bed.cluster.folder, 'pods'))
              .filter((pod) => existsSync(flagsOf(pod)))
              .map(
                (pod) => JSON.parse(readFileSync(flagsOf(pod), 'utf8')).flags.fast.defaultVariant,
              ),
          LIMIT,
        )
        .toEqual(['on', 'on', 'on', 'on'])
      const store = new ConfigMapStore(bed.cluster.api, bed.place)
      await expect
        .poll(async () => (await store.readEvents()).map(({ message }) => message), LIMIT)
        .toContainEqual(
          expect.stringMatching(/^guardrail noted ran node for shop: .*scales noted$/s),
        )
    })

    it('has one process answer for both colours, its flag on for the requests of green alone', async () => {
      const { cluster } = bed
      const place = { name: 'toggled', namespace: bed.place.namespace }
      const { plan } = parsePlan({
        ...contractPlan,
        name: 'toggled',
        services: {
          toggle: {
            blue: {
              image: 'node:24-slim',
              command: ['node', join(checkout, 'test/platforms/kubernetes/toggle.ts')],
              port: 8003,
            },
            green: { servedBy: 'toggle.blue', flag: 'new-look' },
            strategy: 'feature-toggle',
            routes: ['/toggle'],
          },
        },
        flags: { 'new-look': {} },
      })
      // What the hook has written of a flag that follows is the same at any weight.
      const written = await cluster.api.get<ClusterObject & { data: Record<string, string> }>(
        `${configMaps(bed.place)}/${objectName(bed.place, 'flags')}`,
      )
      const flags = { apiVersion: 'v1', kind: 'ConfigMap', data: written.data }
      const metadata = { name: objectName(place, 'flags'), namespace: place.namespace }
      for (const manifest of [
        { ...flags, metadata },
        ...(['blue', 'green'] as const).flatMap((colour) =>
          colourManifests(place, plan, 'toggle', colour),
        ),
      ]) {
        await cluster.api.create(pathOf(manifest.kind, place.namespace), manifest)
      }
      const route = routeManifest(place, plan, 'toggle', split(40))
      await cluster.api.patch(`${routes(place)}/${routeName(place, 'toggle')}`, 'apply', route, {
        fieldManager: FIELD_MANAGER,
      })
      const ask = async () => {
        const answer = await fetch(`http://127.0.0.1:${cluster.ports.gateway}/toggle`)
        return `${answer.headers.get('x-sluice-color')}: ${await answer.text()}`
      }
      const asked = () => Promise.all(Array.from({ length: 40 }, ask))
      await expect
        .poll(async () => [...new Set(await asked())].toSorted(), LIMIT)
        .toEqual(['blue: false', 'green: true'])
    })

    it('rolls back when a pod of green fails its checks past the gateway', async () => {
      await bed.breakGreen()
      await expect
        .poll(async () => latchOf(await bed.platform.observe())?.trip?.cause, LIMIT)
        .toBe('well')
    })
  },
)
