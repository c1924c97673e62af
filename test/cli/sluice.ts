import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadPlan } from '../../platforms/plan-file.ts'
import type { Journal } from '../../rollout/journal.ts'
import { clearLatch, type Latch } from '../../rollout/latch.ts'
import type { Observation } from '../../rollout/observation.ts'
import type { Request } from '../../rollout/request.ts'
import { split } from '../../rollout/weights.ts'

const checkout = join(import.meta.dirname, '..', '..')

/** The command itself. */
export const program = join(checkout, 'cli', 'sluice')

/** Runs the real command. */
export const sluice = (...args: string[]) => run(program, args)

/** Runs a program in the environment of these tests. */
export function run(
  file: string,
  args: string[],
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: checkout,
      env: { ...process.env, PULUMI_STACK: '', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (data: Buffer) => {
      out += data
    })
    child.stderr.on('data', (data: Buffer) => {
      err += data
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, out, err }))
  })
}

/** A stack's config whose home nothing was deployed in. */
export function emptyStack(): { config: string; home: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  const config = join(folder, 'Pulumi.trial.yaml')
  const home = join(folder, 'trial')
  writeFileSync(
    config,
    `config:\n  sluice:plan: ${join(import.meta.dirname, 'huntred.plan.yaml')}\n  sluice:home: ${home}\n  sluice:step: start # where it begins\n`,
  )
  return { config, home, remove: () => rmSync(folder, { recursive: true }) }
}

export const AT = '2026-03-01T12:00:00.000Z'

/** A rollout that has baked three hours of a day at 10 %. */
export async function standingAtTen(latch: Latch = clearLatch()): Promise<{
  request: Request
  observation: Observation
  journal: Journal
}> {
  const { plan, planHash } = await loadPlan(join(import.meta.dirname, 'huntred.plan.yaml'))
  const journal: Journal = {
    plan,
    planHash,
    verified: { position: 'huntred@10', at: '2026-03-01T09:00:00.000Z' },
    weights: { huntred: split(10) },
    attempt: 1,
    guardedMs: 3 * 3_600_000,
    green: { huntred: { requests: 4_000, errors: 1, p95: 0.012 } },
    baselines: { huntred: { requests: 9_000, errors: 0, p50: 0.004, p95: 0.01, p99: 0.02 } },
    verdicts: [],
    backups: [
      {
        name: 'huntred',
        id: 'b1',
        takenAt: '2026-03-01T08:58:00.000Z',
        verifiedAt: '2026-03-01T08:58:05.000Z',
        tables: { persons: { rows: '500', fingerprint: '1' } },
        bytes: 21_753,
        location: '/backups/b1',
      },
    ],
  }
  return {
    journal,
    request: { plan, planHash, position: 'huntred@10', attempt: 1, confirmed: [], clock: 1 },
    observation: {
      at: AT,
      deployed: true,
      live: { huntred: split(10) },
      journal,
      latch,
      guard: { alive: true, planHash },
      alarms: [],
    },
  }
}
