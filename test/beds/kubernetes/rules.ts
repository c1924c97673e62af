import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ClusterApi, ClusterObject } from '../../../platforms/kubernetes/api.ts'

const LOOK_EVERY_MS = 300

type RuleMap = ClusterObject & { data?: Record<string, string> }
type PrometheusRule = ClusterObject & { spec: { groups?: object[] } }

/**
 * Stands in for what carries rules to Prometheus in a cluster: whatever mounts the labelled ConfigMaps,
 * and the operator for each PrometheusRule. Goes on until the process ends.
 * @param folder where Prometheus reads rule files
 * @param changed told when the files are other ones
 */
export function followRules(api: ClusterApi, folder: string, changed: () => void): void {
  let files: Record<string, string> = {}
  setInterval(async () => {
    const next = await ruleFiles(api).catch(() => undefined)
    if (!next || JSON.stringify(next) === JSON.stringify(files)) return
    for (const name of Object.keys(files)) if (!(name in next)) rmSync(join(folder, name))
    for (const [name, content] of Object.entries(next)) writeFileSync(join(folder, name), content)
    files = next
    changed()
  }, LOOK_EVERY_MS)
}

async function ruleFiles(api: ClusterApi): Promise<Record<string, string>> {
  const [maps, rules] = await Promise.all([
    api.list<RuleMap>('/api/v1/configmaps', { labelSelector: 'sluice.dev/rules=true' }),
    api.list<PrometheusRule>('/apis/monitoring.coreos.com/v1/prometheusrules'),
  ])
  return Object.fromEntries([
    ...maps.flatMap(({ data = {} }) => Object.entries(data)),
    ...rules.map(({ metadata: { namespace, name }, spec }) => [
      `operator-${namespace}-${name}.yml`,
      stringify({ groups: spec.groups ?? [] }),
    ]),
  ])
}
