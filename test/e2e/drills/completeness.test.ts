import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadPlan } from '../../../platforms/plan-file.ts'
import { actionOf } from '../../../rollout/action.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import type { Plan } from '../../../rollout/plan.ts'
import { checkout } from '../../../tools/checkout.ts'
import { planOf } from '../migrations/migration.ts'
import { cvplus } from './cvplus.ts'
import { type Drills, drilled } from './drill.ts'
import { hexabuilders } from './hexabuilders.ts'
import { huntred } from './huntred.ts'
import { resumeReview } from './resume-review.ts'
import { supersmartmatch } from './supersmartmatch.ts'

const ALL: Drills[] = [huntred, hexabuilders, resumeReview, supersmartmatch, cvplus]

/** The paths of everything in a plan that is there to fire. */
function mechanismsOf(plan: Plan): string[] {
  const names = (part: string, of: object) => Object.keys(of).map((name) => `${part}.${name}`)
  return [
    ...names('guardrails', plan.guardrails),
    ...Object.entries(plan.guardrails)
      .filter(([, { warn }]) => warn !== undefined)
      .map(([name]) => `guardrails.${name}.warn`),
    ...names('gates', plan.gates),
    ...names('backups', plan.backups),
    ...names('limits', plan.limits ?? {}),
    ...plan.escalation.map((_, index) => `escalation.${index + 1}`),
    ...Object.entries(plan.services)
      .filter(([, { strategy, state }]) => strategy !== 'direct' || state.gate !== undefined)
      .map(([name]) => `services.${name}.strategy`),
    ...levelsOf(plan).map((level) => `rollback.${level}`),
  ]
}

/** The levels at which a plan says that something goes back. */
function levelsOf(plan: Plan): string[] {
  const promised = ['flag', 'service', 'phase', 'plan', 'database', 'disaster'] as const
  const levels = promised.filter((level) => plan.limits?.[level] !== undefined) as string[]
  for (const guardrail of Object.values(plan.guardrails)) {
    const action = actionOf(guardrail)
    if (action.do !== 'rollback') continue
    if (action.scope !== 'service') levels.push(action.scope)
    if (action.pace !== 'immediately') levels.push('progressive')
  }
  return [...new Set(levels)]
}

describe.each(ALL)('the drills of $plan', (drills) => {
  it('see each of its mechanisms fire', async () => {
    const { plan } = await loadPlan(join(checkout, 'stacks', `${drills.plan}.plan.yaml`))
    const seen = drilled(drills)
    const mechanisms = mechanismsOf(plan)
    expect(mechanisms.filter((path) => !seen.includes(path))).toEqual([])
    expect(mechanisms.length).toBeGreaterThan(10)
  })

  it('stand on cuts of it that are plans', () => {
    for (const [name, cut] of Object.entries(drills.bench.variants)) {
      expect(() => parsePlan(cut(planOf(drills.plan, 20_000))), name).not.toThrow()
    }
  })

  it('have no title twice', () => {
    const titles = drills.drills.map(({ title }) => title)
    expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([])
  })

  it('are of nothing that the plan does not have', async () => {
    const { plan } = await loadPlan(join(checkout, 'stacks', `${drills.plan}.plan.yaml`))
    const known = [
      ...mechanismsOf(plan),
      ...['flag', 'service', 'phase', 'plan', 'progressive'].map((level) => `rollback.${level}`),
    ]
    expect(drilled(drills).filter((path) => !known.includes(path))).toEqual([])
  })
})
