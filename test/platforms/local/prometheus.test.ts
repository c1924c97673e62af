import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHome } from '../../../platforms/local/home.ts'
import { portsOf } from '../../../platforms/local/layout.ts'
import { prometheusConfig } from '../../../platforms/local/prometheus-config.ts'
import { applyPrometheus } from '../../../platforms/local/prometheus-service.ts'
import { serviceStatus, stopAll, waitFor } from '../../../platforms/local/supervisor.ts'
import { type Plan, type PlanInput, planSchema } from '../../../rollout/plan.ts'
import { freePorts } from '../../e2e/free-ports.ts'
import { Echo } from './echo.ts'
import { temporaryHome } from './stand.ts'

const layout = temporaryHome()
const exporters = ['blue', 'green', 'sync'].map((name) => new Echo(name))
const [blue, green, sync] = exporters as [Echo, Echo, Echo]
let plan: Plan

beforeAll(async () => {
  await Promise.all(exporters.map((exporter) => exporter.listen()))
  blue.metrics = 'orders_total{color="mine"} 7\n'
  green.metrics = 'orders_total 9\n'
  sync.metrics = 'lag_seconds 3\n'
  await createHome(layout)
  plan = await planWith({})
})
afterAll(async () => {
  await stopAll(layout)
  await Promise.all(exporters.map((exporter) => exporter.close()))
  rmSync(layout.home, { recursive: true, force: true })
})

async function planWith(operations: PlanInput['operations']): Promise<Plan> {
  const listen = plan?.local.listen ?? `127.0.0.1:${await freePorts(3)}`
  return planSchema.parse({
    name: 'shop',
    steps: [100],
    local: { listen },
    operations,
    services: {
      api: {
        blue: { url: blue.url },
        green: { url: green.url },
        metrics: '/metrics?name[]=a&name[]=b',
      },
    },
  })
}

async function apply(): Promise<void> {
  await applyPrometheus(layout, {
    ports: portsOf(plan),
    config: prometheusConfig(layout, portsOf(plan), plan),
    rules: 'groups: []\n',
    signal: AbortSignal.timeout(60_000),
  })
}

async function ask(query: string): Promise<{ metric: Record<string, string>; value: string }[]> {
  const { prometheus } = portsOf(plan)
  const url = `http://127.0.0.1:${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`
  const answer = (await (await fetch(url)).json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] }
  }
  return answer.data.result.map(({ metric, value }) => ({ metric, value: value[1] }))
}

const until = (query: string, count: number) =>
  waitFor(
    async () => {
      const found = await ask(query)
      return found.length === count ? found : undefined
    },
    { timeoutMs: 60_000, what: `${count} series of ${query}` },
  )

describe('Prometheus', () => {
  it('reads what each colour says of itself, under the names of service and colour', async () => {
    await apply()
    const series = await until('orders_total', 2)
    const found = series.map(({ metric, value }) => [metric['service'], metric['color'], value])
    expect(found.sort()).toEqual([
      ['api', 'blue', '7'],
      ['api', 'green', '9'],
    ])
  })

  it('reads a new operation without a restart, and none that is not supervised', async () => {
    const { pid } = await serviceStatus(layout, 'prometheus')
    const metrics = { port: Number(new URL(sync.url).port), path: '/metrics' }
    plan = await planWith({
      sync: { run: ['sync'], until: 'retired', metrics },
      once: { run: ['once'], at: 'before-first-step', metrics },
    })
    await apply()
    const [series] = await until('lag_seconds', 1)
    expect(series).toMatchObject({ value: '3', metric: { operation: 'sync' } })
    expect((await serviceStatus(layout, 'prometheus')).pid).toBe(pid)
  })
})
