import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findProgram } from '../../tools/programs.ts'
import { writeDurably } from './durable-file.ts'
import { haproxyArguments } from './haproxy-config.ts'
import type { Layout } from './layout.ts'
import { HaproxyRouter } from './router.ts'
import { installService, reloadService, serviceStatus, waitFor } from './supervisor.ts'

/**
 * Brings the router to a configuration: starts it, or reloads it without losing a request, a
 * weight or what it knows of the guard. A configuration that the router does not take is refused
 * before anything is touched.
 */
export async function applyRouter(
  layout: Layout,
  config: string,
  services: string[],
): Promise<void> {
  const program = findProgram('haproxy')
  if (!existsSync(layout.haproxy.map)) {
    writeDurably(layout.haproxy.map, services.map((service) => `${service} 0\n`).join(''))
  }
  const candidate = `${layout.haproxy.config}.new`
  writeDurably(candidate, config)
  const checked = spawnSync(program, ['-c', '-f', candidate], { encoding: 'utf8' })
  if (checked.status !== 0) {
    throw new Error(`the router refuses its configuration, nothing was changed:\n${checked.stderr}`)
  }
  const router = new HaproxyRouter(layout)
  const runs = (await serviceStatus(layout, 'router')).up
  writeDurably(layout.haproxy.config, config)
  if (runs) {
    await router.reload(() => reloadService(layout, 'router', 'USR2'))
  } else {
    router.alignState()
    await installService(layout, 'router', {
      command: [program, ...haproxyArguments(layout)],
      environment: {},
      cwd: layout.home,
      deathSignal: 'TERM',
    })
  }
  await waitFor(async () => (await router.read().catch(() => undefined)) !== undefined, {
    timeoutMs: 15_000,
    what: `the router to answer on ${layout.haproxy.socket}; its log is in ${layout.logs}/router`,
  })
}
