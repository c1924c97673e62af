import type { PlanInput } from '../../rollout/plan.ts'

/** A plan with one of everything, as its file would say it; each call gives a fresh copy. */
export function rightPlan() {
  return {
    name: 'shop',
    services: {
      api: {
        blue: { command: ['node', 'v1.ts'], port: 9001 },
        green: { command: ['node', 'v2.ts'], port: 9002, environment: { MODE: 'new' } },
        routes: ['/'],
      },
      web: {
        blue: { url: 'http://127.0.0.1:9003' },
        green: { url: 'http://10.0.0.7:9004' },
        routes: ['/web'],
        affinity: { header: 'x-user-id' },
      },
    },
    steps: [5, { weight: 25, bake: '24h', gates: ['parity', 'approval'] }, 100],
    start: { gates: ['parity'] },
    guardrails: {
      errors: { metric: 'error-rate', above: '5%', warn: '1%', for: '2m', then: 'rollback' },
      latency: { metric: 'p95', above: '2x baseline', warn: '1.5x baseline', then: 'hold' },
      health: { check: '/healthz', every: '30s', consecutiveFailures: 3, then: 'rollback' },
    },
    gates: {
      parity: { replay: 'parity.http', ignore: ['$.servedAt'], identical: '100%' },
      steady: { at: 'every-step', metric: 'error-rate', below: '0.1%', over: 'bake' },
      approval: { confirm: 'No complaints from users?' },
    },
    backups: { orders: { postgres: 'env:ORDERS_URL' } },
    notify: { everyone: { webhook: 'env:PAGER_URL' } },
    limits: { service: '30s' },
    local: { listen: '127.0.0.1:8380', postgres: { databases: { orders: 'ORDERS_URL' } } },
  } satisfies PlanInput
}

/** The right plan with one place changed; `undefined` takes the key out. */
export function changed(changes: Record<string, unknown>): Record<string, unknown> {
  const plan = rightPlan() as unknown as Record<string, unknown>
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.')
    const last = keys.pop() as string
    let at = plan as Record<string, Record<string, unknown>>
    for (const key of keys) at = at[key] as typeof at
    if (value === undefined) delete at[last]
    else (at as Record<string, unknown>)[last] = value
  }
  return plan
}
