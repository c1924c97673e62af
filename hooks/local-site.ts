import { keeperOf } from '../platforms/local/archive-state.ts'
import { takeBackup } from '../platforms/local/backups.ts'
import { writeDurably } from '../platforms/local/durable-file.ts'
import { FileStore, readEvents } from '../platforms/local/file-store.ts'
import { databaseEnvironment, type Layout, portsOf } from '../platforms/local/layout.ts'
import { processFigures } from '../platforms/local/process-figures.ts'
import { HaproxyRouter } from '../platforms/local/router.ts'
import { Refused } from '../platforms/platform.ts'
import { canonical } from '../rollout/hash.ts'
import type { Backup } from '../rollout/plan.ts'
import { readCharge, readToken } from './charge.ts'
import { awayFor, beat } from './heartbeat.ts'
import { localSurroundings } from './local-surroundings.ts'
import { readPreviousHome } from './previous.ts'
import { listenForLog } from './router-log.ts'
import type { HookSite } from './site.ts'

/**
 * The hook of a home on this host: files, HAProxy's log on UDP, everything on loopback.
 * @param ports other than the plan's; 0 for any
 */
export function localSite(layout: Layout, ports?: { api: number; log: number }): HookSite {
  const charge = readCharge(layout.hook.plan)
  const own = portsOf(charge.plan)
  return {
    charge,
    store: new FileStore(layout),
    router: new HaproxyRouter(layout),
    listen: { host: '127.0.0.1', port: ports?.api ?? own.hook },
    token: readToken(layout.hook.token),
    alertsToken: readToken(layout.hook.alertsToken),
    prometheus: `http://127.0.0.1:${own.prometheus}`,
    layout,
    around: localSurroundings(layout),
    hear: async (onLine, onError) => {
      const socket = await listenForLog(ports?.log ?? own.hook, onLine)
      socket.on('error', onError)
      return { port: socket.address().port, close: () => socket.close() }
    },
    keepCharge: async (next) => {
      const { hook, prometheus } = portsOf(next.plan)
      if (own.hook !== hook || own.prometheus !== prometheus) {
        throw new Refused('the plan moves the hook to other ports; next: start the hook anew')
      }
      writeDurably(layout.hook.plan, canonical(next))
    },
    events: (limit) => readEvents(layout, limit),
    writeFlags: (text) => writeDurably(layout.flags, text),
    awayFor: () => awayFor(layout.hook.heartbeat),
    beat: () => beat(layout.hook.heartbeat),
    processes: (plan) => processFigures(plan, layout),
    previous: (now) => readPreviousHome(layout, now),
    archive: keeperOf(layout),
    takeBackup: (name, plan) => {
      const environment = { ...process.env, ...databaseEnvironment(plan, layout) }
      return takeBackup(layout, name, plan.backups[name] as Backup, environment)
    },
  }
}
