import { z } from 'zod'
import { durationSchema } from '../duration.ts'
import { name, names } from './words.ts'

export const step = z.union([
  z.number(),
  z.strictObject({
    weight: z.number(),
    bake: durationSchema.optional().describe("default: the phase's, else the plan's bake"),
    gates: names.describe('gates judged at the end of the bake, before the step is left'),
  }),
])

/** News for people of what is finished. */
export const announce = z
  .strictObject({
    to: z.array(name).min(1),
    text: z.string().min(1).describe('{gain} in it is the p95 before the first step and now'),
  })
  .optional()

export const phase = z.strictObject({
  name,
  services: z.array(name).min(1).optional().describe('default: every service'),
  steps: z.array(step).min(1).optional().describe("default: the plan's steps"),
  bake: durationSchema.optional().describe("default: the plan's bake"),
  begin: names.describe('gates judged before its first step: go or no-go'),
  end: names.describe('gates judged before it is left; then a checkpoint is recorded'),
  announce: announce.describe('told when the phase is finished'),
})
