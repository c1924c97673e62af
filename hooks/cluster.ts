import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { ClusterApi } from '../platforms/kubernetes/api.ts'
import { Candidate, LEASE_SECONDS } from '../platforms/kubernetes/lease.ts'
import { HOOK_PORT, type Place } from '../platforms/kubernetes/names.ts'
import { podAccess, podNamespace } from '../platforms/kubernetes/pod-access.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import { awaitCharge, clusterSite, findCharge } from './cluster-site.ts'
import { startHook } from './hook.ts'
import { createLog } from './log.ts'
import { unguardedNews } from './unguarded.ts'

/** Between two looks at the lease, and at what is to be guarded. */
const RENEW_MS = 500
/**
 * What is in flight has so long to end, and is then cut off, a rollback too: with the time since the
 * last renewal it is less than the lease lasts, so that no two write at once. A rollback that is cut
 * off stands in the latch, and whoever takes the lease brings it to its end.
 */
const STOP_MS = 2_000

const [name] = process.argv.slice(2)
const identity = process.env['POD_NAME']
if (!name || !identity) {
  process.stderr.write('use: node hook.mjs <rollout>, in a pod with POD_NAME\n')
  process.exit(2)
}
const log = createLog()
const api = new ClusterApi(podAccess())
const place: Place = { name, namespace: podNamespace() }
const candidate = new Candidate(api, place, identity)

// One who waits answers too, so that an update of the hook sees that it is there.
const standby = createServer((request, response) => {
  const ready = request.url === '/readyz'
  response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ standby: true, error: `${identity} is on standby` }))
})
standby.listen(HOOK_PORT, process.env['HOST'] ?? '0.0.0.0')
await once(standby, 'listening')
process.once('SIGTERM', () => process.exit(0))

for (let complaint = ''; ; await pause(RENEW_MS)) {
  try {
    const holder = await candidate.hold()
    if (holder === identity) break
    if (complaint !== holder) log.info(`on standby: ${holder} guards`)
    complaint = holder
  } catch (error) {
    const { message } = error as Error
    if (complaint !== message) log.warn(`the lease cannot be read: ${message}`)
    complaint = message
  }
}

const renewing = setInterval(async () => {
  try {
    const holder = await candidate.hold()
    if (holder === identity) return
    log.warn(`${holder} guards now; this one ends and waits again`)
    process.exit(1)
  } catch {
    // Nobody else can have it either while the API server is away: this one goes on to look.
  }
}, RENEW_MS)

/** Why this one may not be the one that guards. */
const leads = (): string | undefined => {
  const ms = performance.now() - candidate.heldAt
  if (ms < LEASE_SECONDS * 1_000) return undefined
  return `it could not renew its lease for ${Math.round(ms / 1_000)} s`
}

log.info('holds the lease')
const charge = await awaitCharge(api, place)
let hook: Awaited<ReturnType<typeof startHook>> | undefined
const tell = (event: Omit<RolloutEvent, 'at'>) => {
  log.warn({ event: event.kind }, event.message)
  hook?.record(event)
}
const site = await clusterSite(api, place, charge, tell, leads)
standby.closeAllConnections()
await new Promise((resolve) => standby.close(resolve))
const running = await startHook(site, { log })
hook = running
const unguarded = unguardedNews(candidate.vacantMs, await site.router.read().catch(() => undefined))
if (unguarded) tell(unguarded)

const stop = () => {
  setTimeout(() => process.exit(0), STOP_MS).unref()
  clearInterval(renewing)
  // The lease is left to end: the other one begins once nobody can still be writing.
  void running.stop().finally(() => process.exit(0))
}
process.removeAllListeners('SIGTERM')
process.once('SIGTERM', stop)

// An update writes what is to be guarded; whoever holds the lease takes it.
let taken = charge
for (;;) {
  await pause(RENEW_MS)
  try {
    const next = await findCharge(api, place)
    if (!next || JSON.stringify(next) === JSON.stringify(taken)) continue
    await running.take(next)
    taken = next
  } catch (error) {
    log.error({ err: error }, 'what is to be guarded cannot be taken')
  }
}
