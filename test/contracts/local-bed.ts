import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alertRulesText } from '../../platforms/local/alert-rules.ts'
import { LocalPlatform } from '../../platforms/local/client.ts'
import { haproxyConfig } from '../../platforms/local/haproxy-config.ts'
import { createHome } from '../../platforms/local/home.ts'
import { applyHook, guardedHash } from '../../platforms/local/hook-service.ts'
import { databaseUrl, layoutOf, portsOf } from '../../platforms/local/layout.ts'
import {
  ensureCluster,
  ensureDatabases,
  postgresService,
  waitReady,
} from '../../platforms/local/postgres.ts'
import { prometheusConfig } from '../../platforms/local/prometheus-config.ts'
import { applyPrometheus } from '../../platforms/local/prometheus-service.ts'
import { HaproxyRouter } from '../../platforms/local/router.ts'
import { applyRouter } from '../../platforms/local/router-service.ts'
import {
  installService,
  startService,
  stopAll,
  stopService,
  waitFor,
} from '../../platforms/local/supervisor.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { checkout } from '../../tools/checkout.ts'
import { freePorts } from '../e2e/free-ports.ts'
import { query } from '../platforms/local/server.ts'
import { BACKUP, type Bed, contractPlan, SERVICE } from './contract.ts'
import { send } from './traffic.ts'

const CLOCK = 60

/** The local platform with the real programs, deployed as the provider deploys it. */
export async function openLocalBed(): Promise<Bed> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-contract-'))
  await chmod(home, 0o711)
  const layout = layoutOf(home)
  const port = await freePorts(5)
  const colour = (at: number) => ({ command: ['node', 'test/contracts/colour.ts'], port: at })
  const { plan, planHash } = parsePlan({
    ...contractPlan,
    services: { [SERVICE]: { blue: colour(port + 3), green: colour(port + 4) } },
    local: {
      listen: `127.0.0.1:${port}`,
      postgres: { databases: { [BACKUP]: 'ORDERS_URL' } },
    },
  })
  const ports = portsOf(plan)
  const faultOf = (name: string) => join(home, `fault-${name}`)
  const router = new HaproxyRouter(layout)
  const teardown = async () => {
    await stopAll(layout)
    await rm(home, { recursive: true, force: true })
    await rm(layout.postgres.socketFolder, { recursive: true, force: true })
  }
  const limits = { timeoutMs: 60_000 }
  const signal = AbortSignal.timeout(120_000)
  try {
    await createHome(layout)
    await ensureCluster(layout)
    await installService(layout, 'postgres', postgresService(layout))
    await ensureDatabases(layout, [BACKUP])
    await query(
      databaseUrl(layout, BACKUP),
      'create table orders as select i as id from generate_series(1, 1000) i',
    )
    for (const [name, at] of [
      ['blue', port + 3],
      ['green', port + 4],
    ] as const) {
      await installService(layout, `${SERVICE}-${name}`, {
        command: [process.execPath, join(checkout, 'test/contracts/colour.ts')],
        environment: { PORT: String(at), COLOUR: name, FAULT: faultOf(name) },
        cwd: checkout,
      })
    }
    await applyRouter(layout, haproxyConfig(plan, layout, ports), Object.keys(plan.services))
    const spec = { plan, planHash, clock: CLOCK, folder: checkout, progress: () => {}, signal }
    await applyHook(layout, spec)
    await applyPrometheus(layout, {
      ports,
      config: prometheusConfig(layout, ports, plan),
      rules: alertRulesText(plan, CLOCK),
      signal,
    })
    await waitFor(
      async () =>
        (await router.healthy(SERVICE, 'blue')) && (await router.healthy(SERVICE, 'green')),
      { ...limits, what: 'both colours to be healthy' },
    )
  } catch (error) {
    await teardown()
    throw error
  }

  const fault = (name: string, isBack: () => Promise<boolean>) => ({
    take: () => stopService(layout, name),
    giveBack: async () => {
      await startService(layout, name)
      await waitFor(isBack, { ...limits, what: `${name} to answer again` })
    },
  })
  const routerAnswers = () =>
    router.read().then(
      () => true,
      () => false,
    )
  return {
    platform: new LocalPlatform(layout),
    plan,
    planHash,
    clock: CLOCK,
    traffic: (count) => send(`http://127.0.0.1:${port}/`, count),
    breakGreen: () => writeFile(faultOf('green'), ''),
    mendGreen: () => rm(faultOf('green')),
    meddle: (weights) => router.write(weights),
    lose: (what) => rm(layout.hook[what]),
    faults: {
      guard: fault('hook', async () => (await guardedHash(ports.hook)) === planHash),
      router: fault('router', routerAnswers),
      database: fault('postgres', () =>
        waitReady(layout).then(
          () => true,
          () => false,
        ),
      ),
    },
    teardown,
  }
}
