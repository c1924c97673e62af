import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Backup } from '../../rollout/plan.ts'
import { GuardedPlatform } from '../guarded.ts'
import { listBackups, takeBackup } from './backups.ts'
import { writeDurably } from './durable-file.ts'
import { FileStore } from './file-store.ts'
import { HookApi, readGuarded } from './hook-api.ts'
import { databaseEnvironment, type Layout } from './layout.ts'
import { HaproxyRouter } from './router.ts'

/** The local platform from outside: its files, its router, and the hook's API on loopback. */
export class LocalPlatform extends GuardedPlatform {
  constructor(layout: Layout) {
    const hook = new HookApi(layout)
    super({
      store: new FileStore(layout),
      router: new HaproxyRouter(layout),
      ask: (method, path, options) => hook.ask(method, path, options),
      guarded: async () => readGuarded(layout),
      absent: async () =>
        isDeployed(layout) ? undefined : `nothing is deployed in ${layout.home}`,
      takeBackup: (name, plan, progress) => {
        const environment = { ...process.env, ...databaseEnvironment(plan, layout) }
        return takeBackup(layout, name, plan.backups[name] as Backup, environment, progress)
      },
      backups: () => listBackups(layout),
      writeFlags: async (text) => writeDurably(layout.flags, text),
    })
  }
}

/** True where anything of this rollout stands; databases and backups outlive it and do not count. */
function isDeployed(layout: Layout): boolean {
  return existsSync(layout.services) || existsSync(dirname(layout.hook.plan))
}
