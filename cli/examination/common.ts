import { join } from 'node:path'
import { isUnavailable, journalOf, latchOf, type Observation } from '../../rollout/observation.ts'
import { describeChange, rising, sameWeights } from '../../rollout/weights.ts'
import { sluiceEnvironment } from '../../tools/environment.ts'
import { findProgram, isExecutable, pathDirectories } from '../../tools/programs.ts'
import { readHookStatus } from '../hook-status.ts'
import { isFresh } from '../outlook.ts'
import type { OpenStack } from '../stack.ts'
import type { Found, Look } from './finding.ts'

/** Whether the programs are there that a platform needs on this host; the engine on every one. */
export function programLooks(names: readonly string[]): Look[] {
  return ['pulumi', ...names].map((name) => [
    `program ${name}`,
    async () => {
      try {
        return { state: 'well', found: name === 'pulumi' ? pulumiOnPath() : findProgram(name) }
      } catch {
        return { state: 'ill', found: 'is not found', next: 'npm run setup' }
      }
    },
  ])
}

/** The engine, as the environment of the checkout finds it. */
function pulumiOnPath(): string {
  const found = pathDirectories({ ...process.env, ...sluiceEnvironment() })
    .map((folder) => join(folder, 'pulumi'))
    .find(isExecutable)
  if (!found) throw new Error('pulumi is not on PATH')
  return found
}

export function routerFinding({ live }: Observation): Found {
  if (!isUnavailable(live)) return { state: 'well', found: describeChange(live, live) }
  return { state: 'ill', found: live.unavailable, next: 'pulumi up --refresh --yes' }
}

export function guardFinding({ planHash }: OpenStack, { guard }: Observation): Found {
  if (!guard.alive) {
    return {
      state: 'ill',
      found: `does not guard: ${guard.reason ?? 'it does not answer'}; green cannot rise`,
      next: 'pulumi up --refresh --yes; green that has traffic and no guard: sluice rollback',
    }
  }
  if (guard.planHash === planHash) return { state: 'well', found: `guards this plan, ${planHash}` }
  return {
    state: 'ill',
    found: `guards plan ${guard.planHash ?? '-'}, this one is ${planHash}`,
    next: 'pulumi up --yes (with sluice:step as it is)',
  }
}

export function latchFinding(observation: Observation): Found {
  if (isUnavailable(observation.latch)) {
    return { state: 'ill', found: observation.latch.unavailable, next: 'sluice status' }
  }
  const latch = latchOf(observation)
  if (!latch) {
    return isFresh(observation)
      ? { state: 'absent', found: 'none yet: the first update has not come to its weights' }
      : { state: 'ill', found: 'missing, which counts as latched', next: 'pulumi up' }
  }
  return latch.latched
    ? { state: 'well', found: `latched by trip ${latch.trips}; next: sluice status` }
    : { state: 'well', found: `clear, ${latch.trips} ${latch.trips === 1 ? 'trip' : 'trips'}` }
}

export function journalFinding(observation: Observation): Found {
  if (isUnavailable(observation.journal)) {
    return { state: 'ill', found: observation.journal.unavailable, next: 'sluice doctor --adopt' }
  }
  const journal = journalOf(observation)
  if (!journal) {
    return isFresh(observation)
      ? { state: 'absent', found: 'none yet' }
      : { state: 'ill', found: 'missing', next: 'sluice doctor --adopt' }
  }
  return { state: 'well', found: `verified at ${journal.verified.position}` }
}

export function driftFinding(observation: Observation): Found {
  const journal = journalOf(observation)
  const { live } = observation
  if (!journal || isUnavailable(live)) return { state: 'absent', found: 'cannot be told' }
  const { intent, weights } = journal
  if (sameWeights(live, weights)) return { state: 'well', found: 'none: live is what was verified' }
  if (intent && [intent.from, intent.to].some((one) => sameWeights(live, one))) {
    return { state: 'well', found: `a move to ${intent.position} is in flight` }
  }
  return {
    state: 'ill',
    found: `another hand changed the weights: ${describeChange(weights, live)}`,
    next:
      rising(weights, live).length > 0
        ? 'pulumi up --refresh --yes puts it back; sluice doctor --adopt too'
        : 'sluice doctor --adopt, then pulumi up --yes',
  }
}

/** @param log what to type to read the hook's log */
export async function apiFinding({ platform }: OpenStack, log: string): Promise<Found> {
  const status = await readHookStatus({ platform })
  if ('unavailable' in status) {
    return { state: 'ill', found: status.unavailable, next: log }
  }
  const { failed, pending, lastError } = status.notifications
  if (failed === 0)
    return { state: 'well', found: `answers; news: ${pending} pending, none failed` }
  return {
    state: 'ill',
    found: `${failed} notifications failed: ${lastError ?? 'unknown'}`,
    next: 'correct the address under notify: of the plan, then pulumi up',
  }
}

export function alarmsFinding({ alarms }: Observation): Found {
  if (isUnavailable(alarms)) return { state: 'ill', found: alarms.unavailable, next: 'pulumi up' }
  if (alarms.length === 0) return { state: 'well', found: 'none is active' }
  const told = alarms.map(({ guardrail, service, value }) => `${guardrail} on ${service}: ${value}`)
  return { state: 'ill', found: told.join('; '), next: 'sluice status' }
}
