import { describe, expect, it } from 'vitest'
import { guardrailOfDeath } from '../../hooks/server-events.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { fleet } from '../rollout/fleet.ts'

const of = (guardrails: PlanInput['guardrails']) =>
  guardrailOfDeath(fleet({ api: { health: '/well' } }, { guardrails }), 'api')

const check = (path: string) => ({ check: path, then: 'rollback' as const })
const errors = { metric: 'error-rate', above: '5%', then: 'rollback' } as const

describe('a green that is dead', () => {
  it('rolls back in the name of the guardrail that asks what the router asks', () => {
    expect(of({ errors, integrations: check('/integrations'), health: check('/well') })).toBe(
      'health',
    )
  })

  it('else of another check, else of its errors that have no for', () => {
    expect(of({ errors, integrations: check('/integrations') })).toBe('integrations')
    expect(of({ errors })).toBe('errors')
    expect(of({ errors: { ...errors, for: '1m' } })).toBeUndefined()
  })
})
