import { describe, expect, it } from 'vitest'
import { missingAlarms } from '../../policies/require-alarm.ts'
import { split } from '../../rollout/weights.ts'
import { compliantStack } from './compliant.ts'

describe('require-alarm', () => {
  it('finds nothing wrong with a compliant stack', async () => {
    const { resources } = await compliantStack()
    expect(missingAlarms(resources)).toEqual([])
  })

  it.each(['sluice:local:Hook', 'sluice:local:Alarms'])(
    'misses %s where green has traffic',
    async (type) => {
      const { resources } = await compliantStack()
      const found = missingAlarms(resources.filter((resource) => resource.type !== type))
      expect(found).toHaveLength(1)
      expect(found[0]).toContain(type)
    },
  )

  it('misses a guardrail that rolls back', async () => {
    const { resources, admission } = await compliantStack()
    for (const guardrail of Object.values(admission.plan.guardrails)) guardrail.then = 'hold'
    expect(missingAlarms(resources)).toEqual([
      'green of huntred gets 25 % of the traffic, but no guardrail rolls back; add one with then: rollback under guardrails: of the plan',
    ])
  })

  it('asks for nothing while green has no traffic', async () => {
    const { resources, admission } = await compliantStack()
    admission.weights = { huntred: split(0) }
    expect(missingAlarms(resources.filter(({ type }) => type.endsWith('Admission')))).toEqual([])
  })
})
