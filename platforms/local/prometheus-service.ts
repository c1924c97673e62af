import { spawnSync } from 'node:child_process'
import { findProgram } from '../../tools/programs.ts'
import { writeDurably } from './durable-file.ts'
import type { Layout, Ports } from './layout.ts'
import { prometheusCommand } from './prometheus-config.ts'
import { installService, reloadService, serviceStatus, waitFor } from './supervisor.ts'

export interface PrometheusSpec {
  ports: Ports
  /** prometheus.yml */
  config: string
  /** The rule file. */
  rules: string
  signal: AbortSignal
}

/**
 * Brings Prometheus to a configuration: starts it, or makes it read its files again without a gap
 * in its judging. Rules that it would not take are refused before anything is touched.
 */
export async function applyPrometheus(layout: Layout, spec: PrometheusSpec): Promise<void> {
  const candidate = `${layout.prometheus.rules}.new`
  writeDurably(candidate, spec.rules)
  const checked = spawnSync(findProgram('promtool'), ['check', 'rules', candidate], {
    encoding: 'utf8',
  })
  if (checked.status !== 0) {
    throw new Error(`Prometheus refuses the alert rules, nothing was changed:\n${checked.stderr}`)
  }
  writeDurably(layout.prometheus.rules, spec.rules)
  writeDurably(layout.prometheus.config, spec.config)
  const port = spec.ports.prometheus
  const before = await serviceStatus(layout, 'prometheus')
  const after = await installService(layout, 'prometheus', {
    command: prometheusCommand(layout, spec.ports, findProgram('prometheus')),
    environment: {},
    cwd: layout.home,
  })
  // The one that ran already knows the files of before.
  if (before.up && after.pid === before.pid) await reloadService(layout, 'prometheus', 'HUP')
  await waitFor(() => isReady(port), {
    timeoutMs: 30_000,
    what: `Prometheus to be ready on 127.0.0.1:${port}; its log is in ${layout.logs}/prometheus`,
    signal: spec.signal,
  })
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/-/ready`, {
    signal: AbortSignal.timeout(2_000),
  }).catch(() => undefined)
  await response?.body?.cancel()
  return response?.ok ?? false
}
