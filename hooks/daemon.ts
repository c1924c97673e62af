import { createSocket } from 'node:dgram'
import { layoutOf } from '../platforms/local/layout.ts'
import { readCharge } from './charge.ts'
import { type RunningHook, startHook } from './hook.ts'
import { localSite } from './local-site.ts'

const USAGE = 'use: node hooks/daemon.ts <home> [--check]'
/** A rollback in flight may end; whatever else is still open is cut off after this. */
const STOP_MS = 2_000
const PROOF_MS = 5_000

const [home, flag, ...more] = process.argv.slice(2)
if (!home || more.length > 0 || (flag !== undefined && flag !== '--check')) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(2)
}

try {
  if (flag === '--check') await prove(home)
  else await run(home)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

async function run(home: string): Promise<void> {
  const layout = layoutOf(home)
  const starting = startHook(localSite(layout))
  const stop = () => {
    setTimeout(() => process.exit(0), STOP_MS).unref()
    void starting.then((hook) => hook.stop()).finally(() => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  await starting
}

/** Comes up beside the hook that runs, on ports of its own, hears a line and answers, and ends. */
async function prove(home: string): Promise<void> {
  const layout = layoutOf(home)
  const { plan } = readCharge(layout.hook.plan)
  const hook = await startHook(localSite(layout, { api: 0, log: 0 }), { passive: true })
  const health = await fetch(`http://127.0.0.1:${hook.port}/healthz`)
  if (!health.ok) throw new Error(`the hook does not guard: ${await health.text()}`)
  await hearsLines(hook, Object.keys(plan.services)[0] as string)
  await hook.stop()
  process.exit(0)
}

async function hearsLines(hook: RunningHook, service: string): Promise<void> {
  const sender = createSocket('udp4')
  const wanted = `sluice_requests_total{service="${service}",color="blue",outcome="ok"}`
  try {
    for (const until = Date.now() + PROOF_MS; Date.now() < until; ) {
      sender.send(`sluice ${service} blue blue 200 1 1 --`, Number(hook.logPort), '127.0.0.1')
      const metrics = await (await fetch(`http://127.0.0.1:${hook.port}/metrics`)).text()
      const line = metrics.split('\n').find((text) => text.startsWith(wanted))
      if (Number(line?.slice(wanted.length)) > 0) return
    }
  } finally {
    sender.close()
  }
  throw new Error("the hook does not hear the router's log lines")
}
