import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FileStore } from '../../platforms/local/file-store.ts'
import { haproxyConfig } from '../../platforms/local/haproxy-config.ts'
import { layoutOf, portsOf } from '../../platforms/local/layout.ts'
import { HaproxyRouter } from '../../platforms/local/router.ts'
import { Operations } from '../../platforms/operations.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { greenOf, type ServiceWeights } from '../../rollout/weights.ts'
import { findProgram } from '../../tools/programs.ts'
import { freePorts } from '../e2e/free-ports.ts'
import { until } from '../hooks/bench.ts'
import { Site } from '../site.ts'

const SERVICES = ['accounts', 'api', 'web']
const layout = layoutOf(mkdtempSync(join(tmpdir(), 'slo-')))
const router = new HaproxyRouter(layout)
let haproxy: ChildProcess | undefined
let upstreams: Site[] = []
let parsed: ReturnType<typeof parsePlan>

beforeAll(async () => {
  upstreams = [await Site.open(), await Site.open()]
  const [blue, green] = upstreams.map(({ url }) => ({ url }))
  const service = (route: string, dependsOn: string[]) => ({
    blue,
    green,
    routes: [route],
    dependsOn,
  })
  parsed = parsePlan({
    name: 'shop',
    services: {
      accounts: service('/', []),
      api: service('/api', ['accounts']),
      web: service('/web', ['api']),
    },
    steps: [50, 100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    local: { listen: `127.0.0.1:${await freePorts(3)}` },
  })
  mkdirSync(dirname(layout.haproxy.config), { recursive: true })
  mkdirSync(dirname(layout.hook.latch), { recursive: true })
  writeFileSync(layout.haproxy.map, SERVICES.map((one) => `${one} 0\n`).join(''))
  writeFileSync(layout.haproxy.config, haproxyConfig(parsed.plan, layout, portsOf(parsed.plan), {}))
  haproxy = spawn(findProgram('haproxy'), ['-db', '-f', layout.haproxy.config], {
    stdio: 'ignore',
  })
  await until('the router', async () => {
    const up = await Promise.all(SERVICES.map((one) => router.healthy(one, 'blue')))
    return up.every(Boolean)
  })
})

afterAll(async () => {
  if (haproxy) {
    const gone = once(haproxy, 'exit')
    haproxy.kill('SIGKILL')
    await gone
  }
  for (const site of upstreams) await site.close()
  rmSync(layout.home, { recursive: true, force: true })
})

it('a rollback of one service leaves the others where they are, and dependents fall first', async () => {
  const { plan, planHash } = parsed
  const written: ServiceWeights[] = []
  const operations = new Operations({
    store: new FileStore(layout),
    router: {
      read: () => router.read(),
      healthy: (service, colour) => router.healthy(service, colour),
      write: async (weights) => {
        written.push(weights)
        await router.write(weights)
      },
    },
    now: () => new Date(),
    alarms: () => [],
    guard: () => ({ alive: true, planHash }),
    announce: () => {},
  })
  const request = { plan, planHash, position: 'start', attempt: 1, confirmed: [], clock: 1 }
  await operations.admit(request)
  await operations.verify(request)
  const { weights } = findPosition(positionsOf(plan), 'web@50')!
  await operations.progress((journal) => ({
    ...journal,
    verified: { position: 'web@50', at: new Date().toISOString() },
    weights,
  }))
  await router.write(weights)
  written.length = 0
  const trip = (service: string) =>
    operations.trip({
      cause: 'errors',
      value: '12%',
      threshold: '5%',
      reason: `errors of ${service}`,
      service,
      scope: 'service',
      pace: 'immediately',
    })
  const greens = async () => {
    const live = await router.read()
    return SERVICES.map((one) => greenOf(live, one))
  }
  await trip('web')
  expect(await greens()).toEqual([100, 100, 0])
  await trip('accounts')
  expect(await greens()).toEqual([0, 0, 0])
  expect(written.map((one) => Object.keys(one))).toEqual([['web'], ['api', 'accounts']])
  expect(await new FileStore(layout).readLatch()).toMatchObject({
    trips: 1,
    trip: { landing: 'start' },
  })
})
