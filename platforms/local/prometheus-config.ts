import { stringify } from 'yaml'
import { metricsUrl } from '../../rollout/operations.ts'
import type { Plan } from '../../rollout/plan.ts'
import { urlOf } from '../../rollout/services.ts'
import { INTERVAL_MS } from './alert-rules.ts'
import type { Layout, Ports } from './layout.ts'

/** How often Prometheus reads what services and operations say of themselves. */
const OWN_INTERVAL = '500ms'

/**
 * Prometheus' configuration: it scrapes the hook, the services and the operations, and posts alerts straight to it, with a token that
 * is good for nothing else and that it reads from a file at each request.
 */
export function prometheusConfig(layout: Layout, ports: Ports, plan: Plan): string {
  const hook = [{ targets: [`127.0.0.1:${ports.hook}`] }]
  return stringify(
    {
      global: {
        scrape_interval: `${INTERVAL_MS}ms`,
        scrape_timeout: '200ms',
        evaluation_interval: `${INTERVAL_MS}ms`,
      },
      // The path is a pattern to Prometheus.
      rule_files: [layout.prometheus.rules.replace(/[\\*?[\]]/g, '\\$&')],
      alerting: {
        alertmanagers: [
          {
            scheme: 'http',
            api_version: 'v2',
            timeout: '1s',
            authorization: { type: 'Bearer', credentials_file: layout.hook.alertsToken },
            static_configs: hook,
          },
        ],
      },
      scrape_configs: [
        { job_name: 'sluice', metrics_path: '/metrics', static_configs: hook },
        ...ownJobs(plan),
      ],
    },
    { lineWidth: 0 },
  )
}

/** The metrics of the plan's own: of each colour of a service, and of operations under way. */
function ownJobs(plan: Plan): object[] {
  const job = (name: string, url: string, labels: Record<string, string>) => {
    const { host, port, pathname, search } = new URL(url)
    return {
      job_name: name,
      scrape_interval: OWN_INTERVAL,
      scrape_timeout: OWN_INTERVAL,
      metrics_path: pathname,
      ...(search ? { params: paramsOf(search) } : {}),
      static_configs: [{ targets: [port ? host : `${host}:80`], labels }],
    }
  }
  const services = Object.entries(plan.services).flatMap(([service, { metrics }]) =>
    (['blue', 'green'] as const).flatMap((color) => {
      const url = metrics && urlOf(plan, service, color, metrics)
      return url ? [job(`${service}-${color}`, url, { service, color })] : []
    }),
  )
  const operations = Object.entries(plan.operations).flatMap(([name, operation]) => {
    const url = operation.until && metricsUrl(operation)
    return url ? [job(`${name}-operation`, url, { operation: name })] : []
  })
  return [...services, ...operations]
}

function paramsOf(search: string): Record<string, string[]> {
  const params = new URLSearchParams(search)
  return Object.fromEntries([...new Set(params.keys())].map((key) => [key, params.getAll(key)]))
}

/**
 * The program and its arguments. A SIGHUP makes it read configuration and rules again; its HTTP API
 * cannot (no --web.enable-lifecycle), as anybody on the host reaches it.
 *
 * @param program the absolute path of prometheus
 */
export function prometheusCommand(layout: Layout, ports: Ports, program: string): string[] {
  return [
    program,
    `--config.file=${layout.prometheus.config}`,
    `--storage.tsdb.path=${layout.prometheus.data}`,
    '--storage.tsdb.retention.time=15d',
    '--storage.tsdb.retention.size=512MB',
    `--web.listen-address=127.0.0.1:${ports.prometheus}`,
    // The hook is told again each second: an alert lost on the way costs no more than that.
    '--rules.alert.resend-delay=1s',
    // After a restart nothing of before counts as now; by default the last 5 minutes would.
    '--query.lookback-delta=5s',
    '--log.level=warn',
  ]
}
