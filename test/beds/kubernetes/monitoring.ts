import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import {
  COLOUR_LABEL,
  OPERATION_LABEL,
  SERVICE_LABEL,
} from '../../../platforms/kubernetes/names.ts'
import type { Pod } from './pod.ts'
import { type BedSettings, RULES_FOLDER } from './settings.ts'

/** A pod that is to be scraped. */
export interface Target {
  name: string
  namespace: string
  address: string
  path: string
  /** What it is of, as a relabelling of its labels says. */
  labels: Record<string, string>
}

const LABELS = {
  service: SERVICE_LABEL,
  color: COLOUR_LABEL,
  operation: OPERATION_LABEL,
} as const

/** What is to be scraped of a pod, by the usual annotations; undefined where it asks for nothing. */
export function targetOf({ metadata }: Pod, ip: string): Target | undefined {
  const { name, namespace = 'default', annotations = {}, labels = {} } = metadata
  if (annotations['prometheus.io/scrape'] !== 'true') return undefined
  const named = Object.entries(LABELS).flatMap(([label, key]) =>
    labels[key] === undefined ? [] : [[label, labels[key]]],
  )
  return {
    name,
    namespace,
    address: `${ip}:${annotations['prometheus.io/port']}`,
    path: annotations['prometheus.io/path'] ?? '/metrics',
    labels: Object.fromEntries(named),
  }
}

const targetsOf = (folder: string) => join(folder, 'prometheus', 'pods.json')

/**
 * The bed's Prometheus. Debian's has no discovery by the API server built in, so the bed writes the
 * pods that ask to be scraped, by the usual annotations, into a file.
 */
export function writePrometheusConfig({ folder }: BedSettings): void {
  writeFileSync(
    join(folder, 'prometheus', 'prometheus.yml'),
    stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '400ms', evaluation_interval: '500ms' },
      rule_files: [join(folder, RULES_FOLDER, '*.yml')],
      scrape_configs: [{ job_name: 'pods', file_sd_configs: [{ files: [targetsOf(folder)] }] }],
    }),
    { mode: 0o600 },
  )
}

/** Tells Prometheus which pods to scrape. */
export function writeTargets(folder: string, targets: Target[]): void {
  const file = targetsOf(folder)
  const groups = targets.map(({ name, namespace, address, path, labels }) => ({
    targets: [address],
    labels: { pod: name, namespace, __metrics_path__: path, ...labels },
  }))
  writeFileSync(`${file}.new`, JSON.stringify(groups))
  renameSync(`${file}.new`, file)
}
