import { type Admission, admit } from '../../rollout/admission.ts'
import type { Alarm, BackupRecord, Journal, Verdict } from '../../rollout/journal.ts'
import { clearLatch, type Latch, latchAt } from '../../rollout/latch.ts'
import type { Observation } from '../../rollout/observation.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import type { Request } from '../../rollout/request.ts'
import { allBlue } from '../../rollout/weights.ts'

export const NOW = '2026-05-01T12:00:00.000Z'
export const AWAY = { unavailable: 'connection refused' }

/** A plan with one service, steps 10, 50 and 100, a bake of an hour and a gate of each kind. */
export function planInput(): PlanInput {
  return {
    name: 'shop',
    services: {
      api: {
        blue: { command: ['node', 'v1.ts'], port: 9001 },
        green: { command: ['node', 'v2.ts'], port: 9002 },
      },
    },
    steps: [10, { weight: 50, gates: ['parity', 'approval'] }, 100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    gates: { parity: { replay: 'parity.http' }, approval: { confirm: 'No complaints?' } },
    backups: { orders: { postgres: 'env:ORDERS_URL' } },
  }
}

/** A rollout that stands somewhere with everything well: each test breaks what it is about. */
export function world(at: string, input: PlanInput = planInput(), attempt = 1) {
  const { plan, planHash } = parsePlan(input)
  const positions = positionsOf(plan)
  const stands = findPosition(positions, at)
  if (!stands) throw new Error(`the plan has no ${at}`)
  const latch: Latch = { ...clearLatch(), attempt, trips: attempt - 1 }
  const journal: Journal = {
    plan,
    planHash,
    verified: { position: at, at: NOW },
    weights: stands.weights,
    attempt,
    guardedMs: Math.max(stands.bakeMs, 1),
    green: { api: { requests: 500, errors: 0 } },
    baselines: { api: { requests: 500, errors: 0 } },
    verdicts: stands.gates.map((gate) => passed(gate, at, attempt, planHash)),
    backups: [backup()],
  }
  const observation = {
    at: NOW,
    deployed: true,
    live: stands.weights,
    journal,
    latch,
    guard: { alive: true, planHash },
    alarms: [],
  } as Observation & { journal: Journal; latch: Latch }
  const request: Request = { plan, planHash, position: at, attempt, confirmed: [], clock: 1 }
  return { plan, planHash, positions, journal, latch, observation, request }
}

export type World = ReturnType<typeof world>

/** The decision on moving a world to a position. */
export function move(
  { request, observation }: World,
  position: string,
  changes: Partial<Request> = {},
  stage: 'preview' | 'apply' = 'apply',
  lastAttempt = 1,
): Admission {
  return admit({ ...request, position, ...changes }, observation, stage, lastAttempt)
}

export function codes(admission: Admission): string[] {
  return admission.refusals.map(({ code }) => code)
}

export function passed(gate: string, position: string, attempt: number, planHash: string): Verdict {
  return { gate, position, attempt, planHash, result: 'passed', reason: '100% of 100%', at: NOW }
}

export function backup(changes: Partial<BackupRecord> = {}): BackupRecord {
  const at = '2026-05-01T11:50:00.000Z'
  const record = { name: 'orders', id: 'b1', takenAt: at, verifiedAt: at }
  return { ...record, tables: {}, bytes: 1, location: 'backups/b1', ...changes }
}

export function alarm(then: Alarm['then'] = 'rollback'): Alarm {
  const since = '2026-05-01T11:59:00.000Z'
  return { guardrail: 'errors', service: 'api', value: '9%', threshold: '5%', since, then }
}

/** Trips the latch of a world at its position: green is at 0 and the journal says so. */
export function trip(w: World): void {
  const zero = allBlue(Object.keys(w.plan.services))
  const cause = { cause: 'errors', value: '9%', threshold: '5%', at: NOW, reason: 'errors' }
  const position = w.journal.verified.position
  w.latch = latchAt(w.latch, { ...cause, position, landing: 'start' }, zero)
  w.journal = {
    ...w.journal,
    verified: { position: 'start', at: NOW },
    weights: zero,
    verdicts: [],
  }
  Object.assign(w.observation, { latch: w.latch, journal: w.journal, live: zero })
}
