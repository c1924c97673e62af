import { expect, it } from 'vitest'
import { metricsUrl } from '../../rollout/operations.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { commandsIn, filesOf, supervisedIn } from '../../rollout/plan-uses.ts'

const url = (port: number) => ({ url: `http://127.0.0.1:${port}` })
const { plan } = parsePlan({
  name: 'shop',
  services: {
    api: {
      blue: url(9001),
      green: url(9002),
      strategy: 'compensation',
      state: { compensate: ['undo'] },
    },
  },
  steps: [50, 100],
  guardrails: {
    errors: { metric: 'error-rate', above: '5%', then: 'rollback' },
    lag: { query: 'lag', above: 30, then: { run: ['scale'] } },
  },
  gates: {
    parity: { replay: 'parity.http', at: 'start' },
    rules: { cases: 'rules.yaml', at: 'start' },
    load: { load: { times: 2, for: '1m', requests: 'load.http' }, at: 'start' },
    suite: { run: ['npm', 'test'], at: 'start' },
  },
  operations: {
    copy: { run: ['copy'], at: 'before-first-step', down: ['uncopy'] },
    sync: { run: ['sync'], until: 'retired', metrics: { port: 9300 } },
  },
  external: { redis: { check: ['redis-cli', 'ping'] }, mail: url(9400) },
})

it('every file that a plan names is told with its place', () => {
  expect(filesOf(plan)).toEqual([
    { place: 'gates.parity.replay', file: 'parity.http' },
    { place: 'gates.rules.cases', file: 'rules.yaml' },
    { place: 'gates.load.load.requests', file: 'load.http' },
  ])
})

it('every command that is run and ends is told by its place; what is supervised is another matter', () => {
  expect(commandsIn(plan)).toEqual([
    'operations.copy',
    'services.api.state.compensate',
    'operations.copy.down',
    'gates.suite.run',
    'guardrails.lag.then.run',
    'external.redis.check',
  ])
  expect(supervisedIn(plan)).toEqual(['sync'])
})

it('metrics by port and path are asked where the operation runs, and an address stands', () => {
  const { sync } = plan.operations
  expect(sync && metricsUrl(sync)).toBe('http://127.0.0.1:9300/metrics')
  expect(sync && metricsUrl(sync, '10.0.0.1')).toBe('http://10.0.0.1:9300/metrics')
  expect(metricsUrl({ metrics: 'http://lag.example:80/own' })).toBe('http://lag.example:80/own')
  expect(metricsUrl({})).toBeUndefined()
})
