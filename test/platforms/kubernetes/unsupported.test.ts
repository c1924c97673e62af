import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ineffectiveIn, unsupportedIn } from '../../../platforms/kubernetes/unsupported.ts'
import { loadPlan } from '../../../platforms/plan-file.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import { checkout } from '../../../tools/checkout.ts'

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
const placesOf = (lines: string[]) => lines.map((line) => line.slice(0, line.indexOf(': ')))

it('a plan of images and existing Services is all that a cluster needs', () => {
  expect(unsupportedIn(parsed({}))).toEqual([])
})

it('commands, gates, checks, flags and operations are carried, in the image of the runner', () => {
  const changes = {
    guardrails: {
      health: { check: '/healthz', then: 'rollback' },
      data: { gate: 'data', then: 'rollback' },
      lag: { query: 'lag', above: 30, then: { run: ['./scale.sh'] } },
      slow: { metric: 'p95', above: '1s', then: { flag: 'fast' } },
    },
    gates: {
      data: { compare: { blue: 'env:A', green: 'env:B' } },
      parity: { replay: 'parity.http', outbox: '/outbox' },
    },
    start: { gates: ['parity'] },
    operations: {
      copy: { run: ['copy'], at: 'before-first-step' },
      sync: { run: ['sync'], until: 'retired', metrics: { port: 8393 } },
    },
    external: { redis: { check: ['redis-cli', 'ping'] } },
    flags: { fast: {} },
  }
  expect(unsupportedIn(parsed({ ...changes, runner: { image: 'tools:1' } }))).toEqual([])
  expect(unsupportedIn(parsed(changes))).toEqual([
    'plan.runner: is missing; operations.copy runs in it: runner: { image: … }, with Node 24',
  ])
})

it('names every part of a plan that a cluster does not do, each with its place', () => {
  const plan = parsed({
    services: {
      api: {
        blue: 'none',
        green: { command: ['node', 'api.ts'], port: 8080 },
      },
      writes: {
        blue: { image: 'w:1', port: 80 },
        green: { image: 'w:2', port: 80 },
        strategy: 'dual-write',
        routes: ['/writes'],
        state: { gate: 'mail' },
      },
      old: {
        blue: { existing: 'old', port: 80 },
        green: { servedBy: 'old.blue', flag: 'fast' },
        routes: ['/old'],
      },
    },
    gates: {
      errors: { logs: { pattern: '^ERROR (\\w+)' }, at: 'every-step' },
      mail: {
        replay: 'mail.http',
        at: 'start',
        outbox: { blue: 'http://127.0.0.1:1/outbox', green: 'http://recorder/outbox' },
      },
    },
    operations: {
      sync: { run: ['sync'], until: 'retired', metrics: 'http://127.0.0.1:2/metrics' },
    },
    external: { redis: { url: 'http://localhost:3' } },
    flags: { fast: {}, new: { follows: ['api'] } },
    backups: { orders: { postgres: 'env:ORDERS_URL', priority: 'critical' } },
  })
  expect(placesOf(unsupportedIn(plan))).toEqual([
    'plan.services.api.blue',
    'plan.services.api.green',
    'plan.services.writes.strategy',
    'plan.services.old.green.servedBy',
    'plan.gates.errors.logs',
    'plan.gates.mail.outbox.blue',
    'plan.operations.sync.metrics',
    'plan.runner',
    'plan.external.redis.url',
    'plan.backups.orders.priority',
    'plan.runner',
    'plan.kubernetes.claim',
    'plan.kubernetes.secret',
  ])
})

it('needs of the huntred plan nothing but images, a Secret and where backups are kept', async () => {
  const { plan } = await loadPlan(join(checkout, 'stacks', 'huntred.plan.yaml'))
  expect(placesOf(unsupportedIn(plan))).toEqual([
    'plan.services.huntred.blue',
    'plan.services.huntred.green',
    'plan.runner',
    'plan.runner',
    'plan.kubernetes.claim',
    'plan.kubernetes.secret',
  ])
})

it('warns of an affinity by name, which a gateway does not keep, and refuses no plan for it', async () => {
  const { plan } = await loadPlan(join(checkout, 'stacks', 'huntred.plan.yaml'))
  expect(ineffectiveIn(plan)).toEqual([
    'plan.services.huntred.affinity: x-user-id has no effect in a cluster: a Gateway knows no users, so at a weight between 0 and 100 a user meets both colours',
  ])
  expect(ineffectiveIn(parsed({}))).toEqual([])
})
