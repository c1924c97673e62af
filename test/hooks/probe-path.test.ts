import { expect, it } from 'vitest'
import { serviceOf } from '../../hooks/gates/ask.ts'
import { probePath } from '../../hooks/probe-path.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'

const colour = (image: string) => ({ image, port: 8080 })
const service = (more: object) => ({ blue: colour('a:1'), green: colour('a:2'), ...more })
const planOf = (services: Record<string, object>) =>
  parsePlan({
    name: 'shop',
    services: Object.fromEntries(
      Object.entries(services).map(([name, more]) => [name, service(more)]),
    ),
    steps: [50, 100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
  }).plan

it('the gateway is asked for the health of a service that everything leads to', () => {
  expect(probePath(planOf({ web: {} }), 'web')).toBe('/healthz')
})

it('a health that no route leads to is not asked for: nobody would answer, or another service', () => {
  expect(probePath(planOf({ api: { routes: ['/api'] } }), 'api')).toBe('/api')
  const plan = planOf({ api: { routes: ['/api'] }, web: {} })
  expect(probePath(plan, 'api')).toBe('/api')
  expect(probePath(plan, 'web')).toBe('/healthz')
})

it('a health below a route is asked for, unless a longer route of another service takes it', () => {
  const api = { routes: ['/api', '/v1'], health: '/v1/live' }
  expect(probePath(planOf({ api }), 'api')).toBe('/v1/live')
  expect(probePath(planOf({ api, live: { routes: ['/v1/live'] } }), 'api')).toBe('/api')
})

it('a health that only begins like a route is not below it', () => {
  expect(probePath(planOf({ api: { routes: ['/api'], health: '/apis' } }), 'api')).toBe('/api')
})

it('whatever is asked for a service leads to that service', () => {
  const plan = planOf({
    web: { routes: ['/'], health: '/api/healthz' },
    api: { routes: ['/api/', '/v1'], health: '/v1/orders/healthz' },
    orders: { routes: ['/v1/orders', '/orders'], health: '/' },
  })
  for (const name of Object.keys(plan.services)) {
    expect(serviceOf(plan, probePath(plan, name))).toBe(name)
  }
})
