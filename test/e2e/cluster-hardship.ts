import { describe, expect, it } from 'vitest'
import type { ClusterObject } from '../../platforms/kubernetes/api.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import { type Lease, leasePath } from '../../platforms/kubernetes/lease.ts'
import { configMaps, objectName, pods } from '../../platforms/kubernetes/names.ts'
import { journalOf } from '../../rollout/observation.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import type { ClusterHands } from './cluster-hands.ts'
import type { Result } from './engine-stack.ts'

/** What befalls a rollout that stands at 5, not latched; it is left latched at 0. */
export function describeClusterHardship({ stack, ok, breakGreen, mendGreen }: ClusterHands): void {
  const refusedToRise = async (result: Result) => {
    expect(result.code).not.toBe(0)
    await stands()
  }
  const stands = async () => {
    expect(await stack().green()).toBe(0)
    expect((await stack().latch()).latched).toBe(true)
  }
  const map = (what: 'latch' | 'code') =>
    `${configMaps(stack().place)}/${objectName(stack().place, what)}`
  /** Begins a step to 10 and rolls it back while the engine's write of the route is held. */
  const rolledBackUnderWay = async () => {
    await stack().until('nothing to hold 10', async () => {
      return (await stack().held('huntred@10')).length === 0
    })
    const write = stack().gate.hold(isWriteOfRoute)
    const update = stack().set({ step: 'huntred@10' }).up()
    await Promise.race([
      write.arrived,
      update.then(({ output }) => {
        throw new Error(`the update ended and had not written the route: ${output}`)
      }),
    ])
    await breakGreen()
    await stack().untilRolledBack()
    // While a trip is at work what it finds above is no other hand's, and is put back in silence.
    await stack().until('the rollback to be done', async () => {
      const { trips } = await stack().latch()
      const { rollbacks = [] } = journalOf(await stack().platform.observe()) ?? {}
      return rollbacks.some(({ trip, downAt }) => trip === trips && downAt !== undefined)
    })
    await mendGreen()
    write.release()
    return { answer: await write.answer, result: await update }
  }

  describe('a rollback while an update is about to write the route', () => {
    it('has the API server deny that write, and the update says why', async () => {
      const { answer, result } = await rolledBackUnderWay()
      expect(answer.status).toBe(403)
      expect(answer.body).toContain('the rollout e2e is latched, so green does not rise')
      await refusedToRise(result)
      expect(result.output).toContain('is latched, so green does not rise')
    }, 240_000)
  })

  describe('a latch that somebody deletes while it holds', () => {
    it('counts as latched, says so, and is rebuilt at green 0 by the next update', async () => {
      await stack().cluster.api.delete(map('latch'))
      const preview = await stack().set({ step: 'huntred@50' }).preview()
      expect(preview.code).not.toBe(0)
      expect(preview.output).toContain('while latched: trip 1, latch missing: no latch against')
      const doctor = await stack().run('sluice', 'doctor')
      expect(doctor.output).toMatch(/ILL +latch +missing, which counts as latched/)
      expect(doctor.code).toBe(1)
      const route = stack().writeRoute({ blue: 70, green: 30 }, 'somebody')
      await expect(route).rejects.toThrow(/latch|param/)
      const update = await stack().set({ step: 'start' }).up()
      await refusedToRise(update)
      expect(update.output).toContain('ROLLED BACK, and not acknowledged: trip 1, latch missing')
      expect((await stack().latch()).trip).toMatchObject({ cause: 'latch missing' })
    }, 180_000)
  })

  describe('a rollback while the engine writes, and nothing but the hook keeps the latch', () => {
    it('puts green back where the write lands all the same, after the flip', async () => {
      // As before the API server has seen the latch, or in a cluster that lost its policy.
      const { api, namespace } = stack().cluster
      const binding = `${pathOf('ValidatingAdmissionPolicyBinding', namespace)}/sluice-${namespace}-e2e`
      const enforce = (action: 'Audit' | 'Deny') =>
        api.patch(binding, 'merge', { spec: { validationActions: [action] } })
      await enforce('Audit')
      try {
        ok(await stack().nextAttempt())
        ok(await stack().step('huntred@5'))
        const { answer, result } = await rolledBackUnderWay()
        expect(answer.status).toBe(200)
        expect(weightOf(answer.body)).toBe(10)
        await stack().until('green to be put back', async () => (await stack().green()) === 0)
        await refusedToRise(result)
        expect(result.output).toMatch(/ROLLED BACK|latched/)
        await stack().until('people to be told', async () =>
          (await stack().events()).some(
            ({ kind, message }) =>
              kind === 'asserted' &&
              message.includes('was above what the latch allows and is put back'),
          ),
        )
      } finally {
        await enforce('Deny')
      }
    }, 240_000)

    it.each([
      ['a plain update', []],
      ['a refresh of the route alone', ['--refresh', '--target', '**HTTPRoute**']],
    ])('keeps green at 0 afterwards: %s', async (_what, flags) => {
      const update = await stack().up(...flags)
      // What is not a target is not asked: it is the API server that keeps the route as it is.
      if (flags.length === 0) await refusedToRise(update)
      else await stands()
    })

    it('keeps green at 0 when the next update brings other pods and another route', async () => {
      const { huntred } = stack().plan.services
      const changed = { ...stack().written, services: { ...stack().written.services } } as PlanInput
      const green = {
        ...(changed.services['huntred']?.green as object),
        environment: { EXAMPLE_FAULTS: '1', EDITED: 'yes' },
      }
      changed.services['huntred'] = {
        ...changed.services['huntred'],
        green,
        routes: ['/', '/api'],
      } as never
      expect(huntred?.routes).toEqual(['/'])
      await stack().writePlan(changed)
      const update = await stack().up()
      await refusedToRise(update)
      expect(update.output).toContain('ROLLED BACK, and not acknowledged')
      const route = JSON.stringify(await stack().cluster.api.get(stack().routePath))
      expect(route).toContain('"value":"/api"')
    }, 180_000)
  })

  describe('both replicas of the hook dead', () => {
    it('leaves green where it is, refuses every rise, and tells people once one is back', async () => {
      ok(await stack().nextAttempt())
      ok(await stack().step('huntred@5'))
      const { api } = stack().cluster
      const { apiVersion, kind, metadata, ...code } = await api.get<ClusterObject>(map('code'))
      // Nothing that is begun anew finds its program: both stay dead until that is mended.
      await api.delete(map('code'))
      const labelSelector = 'sluice.dev/hook=e2e'
      for (const { metadata } of await api.list<ClusterObject>(pods(stack().place), {
        labelSelector,
      })) {
        await api.ask('DELETE', `${pods(stack().place)}/${metadata.name}`, {
          body: { gracePeriodSeconds: 0 },
        })
      }
      await stack().until('the guard to be missed', async () => {
        return !(await stack().platform.observe()).guard.alive
      })
      const preview = await stack().set({ step: 'huntred@10' }).preview()
      expect(preview.code).not.toBe(0)
      expect(preview.output).toMatch(/guard/)
      expect(preview.output).toContain('next: kubectl get pods')
      const status = await stack().run('sluice', 'status')
      expect(status.output).toMatch(/does not guard/)
      const doctor = await stack().run('sluice', 'doctor')
      expect(doctor.output).toMatch(/ILL +hook +0 of 2 replicas ready/)
      await expect(stack().platform.setWeights('huntred', { blue: 90, green: 10 })).rejects.toThrow(
        /does not answer/,
      )
      // Longer than one replica needs to take over from the other.
      await stack().until('the lease to be long over', async () => {
        const lease = await api.get<Lease>(leasePath(stack().place))
        return Date.now() - Date.parse(lease.spec?.renewTime ?? '') > 8_000
      })
      expect(await stack().green()).toBe(5)
      expect((await stack().latch()).latched).toBe(false)
      const { prometheus } = stack().cluster
      await stack().until('Prometheus to miss the hook', async () => {
        return prometheus === undefined || (await alertsOf(prometheus)).includes('nobody-guards')
      })
      await api.create(configMaps(stack().place), {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: metadata.name,
          labels: metadata.labels,
          annotations: metadata.annotations,
        },
        ...code,
      })
      await stack().until('people to be told', async () => {
        return (await stack().events()).some(
          ({ kind, severity, message }) =>
            kind === 'guard' &&
            severity === 'critical' &&
            /no replica of the hook guarded for .*green stayed where it was \(huntred: blue 95, green 5\)/.test(
              message,
            ),
        )
      })
      expect(await stack().green()).toBe(5)
    }, 240_000)
  })

  describe('a latch that somebody deletes while green has traffic', () => {
    it('counts as latched: green goes to 0, it is rebuilt, and preview and status say why', async () => {
      expect(await stack().green()).toBe(5)
      await stack().cluster.api.delete(map('latch'))
      await stack().untilRolledBack()
      expect((await stack().latch()).trip).toMatchObject({
        cause: 'latch missing',
        landing: 'start',
        reason: 'the latch is missing or makes no sense, which counts as latched',
      })
      const preview = await stack().set({ step: 'huntred@5' }).preview()
      expect(preview.output).toContain(MISSING)
      const status = await stack().run('sluice', 'status')
      expect(status.output).toContain(MISSING)
      expect(status.output).toContain('sluice retry')
      await refusedToRise(await stack().up())
    }, 180_000)
  })
}

/** What a preview and a status say of a latch that the hook missed. */
const MISSING =
  'latch missing: no latch that can be read against a latch since the first deployment'

/** The names of the alerts that fire, or will where nothing changes. */
async function alertsOf(prometheus: string): Promise<string[]> {
  const answer = await fetch(`${prometheus}/api/v1/alerts`)
  const { data } = (await answer.json()) as {
    data: { alerts: { labels: Record<string, string> }[] }
  }
  return data.alerts.flatMap(({ labels }) => labels['alertname'] ?? [])
}

/** A write of the route that counts: not one that the API server is only asked to try. */
function isWriteOfRoute(method: string, url: URL): boolean {
  const writes = method === 'PATCH' || method === 'PUT'
  return writes && url.pathname.includes('/httproutes/') && !url.searchParams.has('dryRun')
}

/** Green's weight in a route as the API server gave it. */
function weightOf(body: string): number | undefined {
  const { spec } = JSON.parse(body) as { spec: { rules: { backendRefs: { weight: number }[] }[] } }
  return spec.rules.at(-1)?.backendRefs.at(-1)?.weight
}
