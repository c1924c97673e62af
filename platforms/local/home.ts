import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Layout } from './layout.ts'
import { ensureSupervisor } from './supervisor.ts'

/**
 * Makes the home: its folders, the tokens of the hook, and the supervisor. Safe to call again:
 * what stands is kept.
 */
export async function createHome(layout: Layout): Promise<void> {
  // PostgreSQL runs as an unprivileged user where the caller is root, and must pass to its data.
  mkdirSync(layout.home, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  for (const folder of [
    layout.services,
    layout.logs,
    dirname(layout.haproxy.config),
    dirname(layout.hook.plan),
    layout.backups,
    layout.reports,
  ]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }
  mkdirSync(dirname(layout.prometheus.config), { recursive: true, mode: 0o700 })
  for (const token of [layout.hook.token, layout.hook.alertsToken]) {
    if (!existsSync(token)) writeFileSync(token, randomBytes(32).toString('hex'), { mode: 0o600 })
  }
  await ensureSupervisor(layout)
}

/**
 * Removes the home after everything in it was stopped.
 * @param options.withData databases and backups too; without it they stand
 */
export async function deleteHome(layout: Layout, options: { withData: boolean }): Promise<void> {
  const gone = options.withData
    ? [layout.home, layout.postgres.socketFolder]
    : [
        layout.services,
        layout.logs,
        dirname(layout.haproxy.config),
        dirname(layout.prometheus.config),
        dirname(layout.hook.plan),
        layout.copiers,
        layout.flags,
      ]
  for (const folder of gone) rmSync(folder, { recursive: true, force: true })
}
