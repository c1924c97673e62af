import { expect, it } from 'vitest'
import { unsupportedIn } from '../../../platforms/kubernetes/unsupported.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'

const parsed = (changes: object) =>
  parsePlan({
    name: 'shop',
    services: {
      api: {
        blue: { existing: 'shop-v1', port: 80 },
        green: { image: 'shop:2', port: 8080 },
      },
    },
    steps: [50, 100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    ...changes,
  }).plan

it('a plan of images and existing Services is all that a cluster needs', () => {
  expect(unsupportedIn(parsed({}))).toEqual([])
})

it('names every part of a plan that a cluster does not do, each with its place', () => {
  const plan = parsed({
    services: {
      api: {
        blue: 'none',
        green: { command: ['node', 'api.ts'], port: 8080 },
      },
    },
    guardrails: { health: { check: '/healthz', then: 'rollback' } },
    gates: { load: { load: { times: 2, for: '1m' } } },
    start: { gates: ['load'] },
    operations: { copy: { run: ['copy'], at: 'before-first-step' } },
    external: { redis: { check: ['redis-cli', 'ping'] } },
    backups: { orders: { postgres: 'env:ORDERS_URL', priority: 'high' } },
  })
  const places = unsupportedIn(plan).map((line) => line.slice(0, line.indexOf(':')))
  expect(places).toEqual([
    'plan.services.api.blue',
    'plan.services.api.green',
    'plan.guardrails.health',
    'plan.gates.load',
    'plan.operations.copy',
    'plan.external.redis',
    'plan.backups.orders.priority',
    'plan.runner',
    'plan.kubernetes.claim',
  ])
})
