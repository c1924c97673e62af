import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { planSchema } from '../../rollout/plan.ts'
import { planSchemaText, SCHEMA_FILE } from '../../tools/plan-schema.ts'

describe('the JSON Schema of plans', () => {
  it('is current; npm run schema writes it', () => {
    expect(readFileSync(SCHEMA_FILE, 'utf8')).toBe(planSchemaText())
  })

  it('knows every word of a plan, allows no other, and asks only for what has no default', () => {
    const schema = JSON.parse(planSchemaText())
    expect(Object.keys(schema.properties)).toEqual(Object.keys(planSchema.shape))
    expect(schema.additionalProperties).toBe(false)
    expect(schema.required).toEqual(['name', 'services', 'steps'])
  })

  it('has plans as they are written: durations and thresholds are text', () => {
    const { bake, guardrails } = JSON.parse(planSchemaText()).properties
    expect(bake).toMatchObject({ type: 'string', pattern: expect.any(String) })
    const { above } = guardrails.additionalProperties.properties
    expect(above.type).toEqual(['string', 'number'])
  })
})
