import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ClusterObject } from '../../platforms/kubernetes/api.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import type { ClusterHands } from './cluster-hands.ts'

/** Every verb of the command but its last, against a rollout that stands latched at 0. */
export function describeClusterCommand({ stack, ok }: ClusterHands): void {
  const sluice = (...args: string[]) => stack().run('sluice', ...args)
  const answers = async (args: readonly string[], code: number, said: RegExp) => {
    const result = await sluice(...args)
    expect(result.output).toMatch(said)
    expect(result.code).toBe(code)
  }

  describe('the command against a cluster', () => {
    it.each([
      [['retry'], 0, /attempt \d+ stands at start; next: sluice advance/],
      [['run', '--to', 'huntred@5'], 0, /at huntred@5: done/],
      [['advance', '--wait'], 0, /at huntred@10; next: sluice status/],
      [['plan'], 0, /huntred@25/],
      [['status'], 0, /at huntred@10/],
      [['status', '--json'], 0, /"position": "huntred@10"/],
      [['doctor'], 0, /ok +policy +denies a rise while latched/],
      [['resolve', 'errors'], 1, /no investigation of errors is open/],
      [['flag', 'dark-mode', 'off'], 1, /dark-mode/],
      [['backup', 'other'], 2, /"other" is no backup of the plan; it has huntred/],
      [['backup', 'huntred'], 0, /huntred: \S+ taken and verified/],
      [['restore', '--list'], 0, /huntred +\S+ +.*yes/],
      [['restore', 'huntred'], 2, /PersistentVolumeClaim huntred.*pg_restore/],
      [['restore', '--disaster'], 2, /PersistentVolumeClaim huntred/],
      [['rollback', '--database', 'migrate'], 1, /operations\.migrate/],
      [['teardown', 'other', '-s', 'e2e'], 2, /sluice teardown e2e/],
      [['teardown', 'e2e', '--without-pulumi'], 2, /kubectl delete/],
    ] as const)('answers %j with exit code %i', answers, 120_000)
  })

  describe('pulumi destroy of a rollout that has traffic', () => {
    const refuses = async () => {
      const refused = await stack().pulumi('destroy', '--yes', '--skip-preview')
      expect(refused.code).not.toBe(0)
      expect(refused.output).toContain('the rollout e2e stands at huntred@10: it carries traffic')
      expect(refused.output).toContain('sluice teardown e2e')
      expect(refused.output).not.toMatch(/HTTPRoute\S* deleted/)
      expect(await stack().green()).toBe(10)
      expect((await stack().platform.observe()).guard.alive).toBe(true)
    }

    it('is refused with the reason and the command, and nothing is deleted', refuses)

    it('is refused so, too, where somebody took the protection off in the state', async () => {
      ok(await stack().pulumi('state', 'unprotect', '--all', '--yes'))
      await refuses()
    })
  })

  describe('the command at the end of a rollout in a cluster', () => {
    it.each([
      [['rollback', '--reason', 'to see it'], 0, /green is at 0, read back after .*by the hook/],
      [['advance'], 1, /latched/],
      [['report', '--format', 'text'], 0, /asked for by/],
    ] as const)('answers %j with exit code %i', answers)

    it('writes a report with its plots where Prometheus is reached from here', async () => {
      const out = join(stack().folder, 'report.html')
      const { prometheus } = stack().cluster
      const where = prometheus === undefined ? [] : ['--prometheus', prometheus]
      const result = await sluice('report', '--out', out, ...where)
      expect(result.code).toBe(0)
      if (prometheus !== undefined) expect(result.output).not.toContain('no plots')
      expect(readFileSync(out, 'utf8')).toContain('latch missing')
    })
  })
}

/** Its end, by the command. */
export function describeClusterTeardown({ stack, ok }: ClusterHands): void {
  it('takes everything off with sluice teardown, but the backups', async () => {
    const gone = await stack().run('sluice', 'teardown', 'e2e')
    expect(gone.output).toContain('taken off namespace')
    expect(gone.output).toContain('stays: the backups in their claim')
    ok(gone)
    const { api, namespace } = stack().cluster
    const labelSelector = 'sluice.dev/rollout=e2e'
    const kinds = ['Deployment', 'Service', 'HTTPRoute', 'Secret', 'Role', 'ConfigMap']
    for (const kind of [...kinds, 'PrometheusRule', 'ValidatingAdmissionPolicy']) {
      const left = await api.list<ClusterObject>(pathOf(kind, namespace), { labelSelector })
      expect([kind, ...left.map(({ metadata }) => metadata.name)]).toEqual([kind])
    }
  }, 240_000)
}
