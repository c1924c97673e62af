import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ClusterObject } from '../../platforms/kubernetes/api.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import type { ClusterHands } from './cluster-hardship.ts'

/** Every verb of the command against a rollout in a cluster, and its end. */
export function describeClusterCommand({ stack, ok }: ClusterHands): void {
  const sluice = (...args: string[]) => stack().run('sluice', ...args)

  describe('the command against a cluster', () => {
    it.each([
      [['plan'], 0, /huntred@25/],
      [['status'], 0, /retired/],
      [['status', '--json'], 0, /"position": "retired"/],
      [['advance'], 0, /at its end/],
      [['run'], 0, /at retired: done/],
      [['retry'], 1, /nothing is latched/],
      [['rollback', '--reason', 'to see it'], 0, /nothing was latched/],
      [['rollback', '--database', 'migrate'], 1, /operations\.migrate/],
      [['resolve', 'errors'], 1, /no investigation of errors is open/],
      [['flag', 'dark-mode', 'off'], 1, /dark-mode/],
      [['backup', 'other'], 2, /"other" is no backup of the plan; it has huntred/],
      [['backup', 'huntred'], 0, /huntred: \S+ taken and verified/],
      [['restore', '--list'], 0, /huntred +\S+ +.*yes/],
      [['restore', 'huntred'], 2, /PersistentVolumeClaim huntred.*pg_restore/],
      [['restore', '--disaster'], 2, /PersistentVolumeClaim huntred/],
      [['report', '--format', 'text'], 0, /ROLLED BACK/],
      [['doctor'], 0, /ok +policy +denies a rise while latched/],
      [['teardown', 'other', '-s', 'e2e'], 2, /sluice teardown e2e/],
      [['teardown', 'e2e', '--without-pulumi'], 2, /kubectl delete/],
    ] as const)('answers %j with exit code %i', async (args, code, said) => {
      const result = await sluice(...args)
      expect(result.output).toMatch(said)
      expect(result.code).toBe(code)
    })

    it('writes a report with its plots where Prometheus is reached from here', async () => {
      const out = join(stack().folder, 'report.html')
      const { prometheus } = stack().cluster
      const result = await sluice(
        'report',
        '--out',
        out,
        ...(prometheus ? ['--prometheus', prometheus] : []),
      )
      expect(result.code).toBe(0)
      if (prometheus) expect(result.output).not.toContain('no plots')
      expect(readFileSync(out, 'utf8')).toContain('the latch is missing')
    })
  })

  describe('the end of a rollout that has traffic', () => {
    it('is refused to pulumi destroy: everything that serves and guards stays', async () => {
      const refused = await stack().pulumi('destroy', '--yes', '--skip-preview')
      expect(refused.code).not.toBe(0)
      expect(refused.output).toMatch(/HTTPRoute-e2e-huntred.*cannot be deleted/)
      expect(refused.output).toContain('because it is protected')
      expect(await stack().green()).toBe(100)
    })

    it('is refused with the command to type, too, once somebody took the protection off', async () => {
      ok(await stack().pulumi('state', 'unprotect', '--all', '--yes'))
      const refused = await stack().pulumi('destroy', '--yes', '--skip-preview')
      expect(refused.code).not.toBe(0)
      expect(refused.output).toContain('the rollout e2e stands at retired: it carries traffic')
      expect(refused.output).toContain('sluice teardown e2e')
      expect(refused.output).not.toMatch(/HTTPRoute\S* deleted/)
      expect(await stack().green()).toBe(100)
    })

    it('is made by sluice teardown, which leaves nothing but the backups', async () => {
      const gone = await sluice('teardown', 'e2e')
      expect(gone.output).toContain('taken off namespace')
      expect(gone.output).toContain('stays: the backups in their claim')
      ok(gone)
      const { api, namespace } = stack().cluster
      const labelSelector = 'sluice.dev/rollout=e2e'
      for (const kind of [
        'Deployment',
        'Service',
        'HTTPRoute',
        'Secret',
        'Role',
        'ConfigMap',
        'ValidatingAdmissionPolicy',
      ]) {
        const left = await api.list<ClusterObject>(pathOf(kind, namespace), { labelSelector })
        expect([kind, ...left.map(({ metadata }) => metadata.name)]).toEqual([kind])
      }
      expect(existsSync(stack().folder)).toBe(true)
    }, 240_000)
  })
}
