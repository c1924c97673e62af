import { stringify } from 'yaml'
import { INTERVAL_MS } from './alert-rules.ts'
import type { Layout, Ports } from './layout.ts'

/**
 * Prometheus' configuration: it scrapes the hook and posts alerts straight to it, with a token that
 * is good for nothing else and that it reads from a file at each request.
 */
export function prometheusConfig(layout: Layout, ports: Ports): string {
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
      scrape_configs: [{ job_name: 'sluice', metrics_path: '/metrics', static_configs: hook }],
    },
    { lineWidth: 0 },
  )
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
