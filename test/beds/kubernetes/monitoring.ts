import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type BedSettings, RULES_FOLDER } from './settings.ts'

/** A pod that is to be scraped. */
export interface Target {
  name: string
  namespace: string
  address: string
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
  const groups = targets.map(({ name, namespace, address }) => ({
    targets: [address],
    labels: { pod: name, namespace },
  }))
  writeFileSync(`${file}.new`, JSON.stringify(groups))
  renameSync(`${file}.new`, file)
}
