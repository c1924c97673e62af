import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Load, startLoad } from '../../examples/load.ts'
import { rolloutLabel, sharedAlertRules } from '../../platforms/kubernetes/alert-rules.ts'
import type { ClusterObject } from '../../platforms/kubernetes/api.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import { split } from '../../rollout/weights.ts'
import { describeClusterCommand, describeClusterTeardown } from './cluster-command.ts'
import { handsOn, openClusterStack } from './cluster-hands.ts'
import { describeClusterHardship } from './cluster-hardship.ts'
import type { ClusterStack } from './cluster-stack.ts'
import { isDeepChosen } from './seeded.ts'

describe.runIf(isDeepChosen('kubernetes-hardship'))(
  'a rollout in a cluster that is in trouble',
  () => {
    let stack: ClusterStack
    let close: (() => Promise<void>) | undefined
    let load: Load | undefined
    const hands = handsOn(() => stack)
    const { ok, broken } = hands
    const failed: Answer[] = []

    beforeAll(async () => {
      ;({ stack, close } = await openClusterStack())
      ok(await stack.up())
      load = startLoad({
        url: stack.cluster.address,
        paths: ['/api/candidates'],
        rate: 60,
        seconds: 1_500,
        onAnswer: (answer) => {
          if (answer.status === 0 || answer.status >= 500) failed.push(answer)
        },
      })
    }, 300_000)

    afterAll(async () => {
      await load?.stop()
      await close?.()
    }, 180_000)

    it("gives its alert rules to Prometheus' operator, the very groups of the plain file", async () => {
      const path = `${pathOf('PrometheusRule', stack.place.namespace)}/sluice-e2e-rules`
      const { spec } = await stack.cluster.api.get<ClusterObject & { spec: object }>(path)
      expect(spec).toEqual(sharedAlertRules(stack.plan, 1, rolloutLabel(stack.place)))
    })

    it('shows a step as one native resource whose weights change, beside its own rows', async () => {
      const preview = await stack.set({ step: 'huntred@5' }).preview()
      const changed = [...preview.output.matchAll(/^ *[~+-]+ ([a-z]+:\S+): \(/gm)]
      expect(changed.map(([, type]) => type)).toEqual([
        'sluice:index:Backup',
        'sluice:index:Admission',
        'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute',
        'sluice:index:Verification',
        'sluice:index:Verdict',
      ])
      expect(preview.output).toMatch(/~ blue *: 100 => 95\s+~ green *: 0 => 5/)
      expect(preview.output).toMatch(/weight: 100 => 95/)
      expect(preview.output).toMatch(/weight: 0 +=> 5/)
    })

    it('refuses a rise after another hand changed the weights, and names what was changed', async () => {
      ok(await stack.step('huntred@5'))
      await stack.writeRoute(split(3), 'somebody')
      const refused = await stack.set({ step: 'huntred@10' }).preview()
      expect(refused.code).not.toBe(0)
      expect(refused.output).toContain('changed by another hand since huntred@5 was verified')
      expect(refused.output).toContain('huntred: blue 95 → 97, green 5 → 3')
      expect(refused.output).toContain('weights asked for: huntred: blue 97 → 90, green 3 → 10')
      const doctor = await stack.run('sluice', 'doctor')
      expect(doctor.output).toMatch(/ILL +route huntred +somebody owns the weights/)
      expect(doctor.output).toMatch(/ILL +drift +another hand changed the weights/)
      await stack.writeRoute(split(5), 'somebody')
      ok(await stack.set({ step: 'huntred@5' }).up('--refresh'))
      // As doctor says it: else the next rise would be refused over somebody who owns the weights.
      await stack.cluster.api.patch(stack.routePath, 'merge', { metadata: { managedFields: [{}] } })
    }, 180_000)

    describeClusterHardship(hands)
    describeClusterCommand(hands)

    it('has lost no request but those that green was told to fail', async () => {
      const { sent = 0 } = (await load?.stop()) ?? {}
      const isExpected = ({ at }: Answer) => broken.some(({ from, to }) => at >= from && at <= to)
      console.log(`${sent} requests, ${failed.length} failed while green was broken`)
      expect(sent).toBeGreaterThan(1_000)
      expect(failed.filter((answer) => !isExpected(answer))).toEqual([])
    })

    describeClusterTeardown(hands)
  },
)
