import { z } from 'zod'
import { durationSchema } from '../duration.ts'
import { thresholdSchema } from '../threshold.ts'
import { metric, SEVERITIES } from './guardrail.ts'
import { fromEnvironment, name, names, query } from './words.ts'

export const channel = z.strictObject({
  webhook: fromEnvironment.optional(),
  slack: fromEnvironment.optional(),
  from: z.enum(SEVERITIES).default('low').describe('the least severity that it is told of'),
  only: z
    .enum(['named'])
    .optional()
    .describe('named: told only where the plan names it, not of everything'),
})

export const limits = z.strictObject({
  flag: durationSchema
    .optional()
    .describe(
      'from the command to the flag file being written; how soon a service reads it is its own',
    ),
  code: durationSchema.optional(),
  database: durationSchema.optional(),
  service: durationSchema.optional(),
  phase: durationSchema.optional(),
  traffic: durationSchema.optional(),
  plan: durationSchema.optional(),
  disaster: durationSchema.optional(),
})

const target = z.strictObject({
  metric: metric.optional(),
  query: query.optional(),
  blue: query
    .optional()
    .describe("of a query: blue's number of the same, shown beside it with the change"),
  above: thresholdSchema.optional(),
  below: thresholdSchema.optional(),
  title: z.string().min(1).max(80).optional(),
})

export const report = z.strictObject({
  every: durationSchema.optional().describe('a report to these channels so often'),
  to: names,
  targets: z.record(name, target).default({}).describe('KPIs: held against what is measured'),
})

const date = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, { error: 'give a date, such as 2027-03-01' })
  .refine((text) => !Number.isNaN(Date.parse(text)), { error: 'is no date; give one that exists' })

export const retire = z.strictObject({
  after: durationSchema
    .default(0)
    .describe('how long green must stay at 100 before blue is released'),
  gates: names.describe('judged before promoted is left'),
  deprecation: date.optional().describe('from when blue says that it is deprecated (RFC 9745)'),
  sunset: date.optional().describe('when blue ends: the Sunset header of its answers (RFC 8594)'),
})
