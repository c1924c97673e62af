import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stopAll } from '../../../platforms/local/supervisor.ts'
import type { Bench } from './bench.ts'

/**
 * The machine is gone: every process ends, and of the home nothing is left but the copies and the
 * archive, which stood elsewhere too. What the engine knew is gone with it.
 * @returns when users lost it
 */
export async function loseMachine({ stack }: Bench): Promise<Date> {
  const { layout, folder } = stack
  await stopAll(layout)
  const lostAt = new Date()
  const saved = join(folder, 'saved')
  const kept = [layout.backups, layout.archive.folder].map((from, at) => ({
    from,
    to: join(saved, String(at)),
  }))
  mkdirSync(saved, { mode: 0o711 })
  for (const { from, to } of kept) renameSync(from, to)
  rmSync(layout.home, { recursive: true })
  rmSync(join(folder, 'state'), { recursive: true })
  mkdirSync(layout.home, { mode: 0o711 })
  for (const { from, to } of kept) renameSync(to, from)
  rmSync(saved, { recursive: true })
  mkdirSync(join(folder, 'state'))
  const made = await stack.pulumi('stack', 'init', 'e2e')
  if (made.code !== 0) throw new Error(made.output)
  return lostAt
}

/** Closes the WAL that is being written, and waits until it is in the archive. */
export async function archived(bench: Bench): Promise<void> {
  const [closed] = await bench.sql('postgres', 'select pg_walfile_name(pg_switch_wal()) as wal')
  await bench.stack.until('the archive to have it', async () => {
    const [last] = await bench.sql(
      'postgres',
      'select last_archived_wal as wal from pg_stat_archiver',
    )
    return String(last?.['wal'] ?? '') >= String(closed?.['wal'])
  })
}
