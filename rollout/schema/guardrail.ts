import { z } from 'zod'
import { durationSchema } from '../duration.ts'
import { shareSchema, thresholdSchema } from '../threshold.ts'
import { command, name, path, query } from './words.ts'

export const METRICS = [
  'error-rate',
  'p50',
  'p95',
  'p99',
  'throughput',
  'availability',
  'fallback-rate',
] as const

export const metric = z.enum(METRICS)

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const

const WORDS = ['rollback', 'hold', 'notify', 'investigate'] as const
const ACTION =
  'give rollback, hold, notify, investigate, { rollback: progressively }, { run: [...] } or { flag: name }'

const action = z.union(
  [
    z.enum(WORDS),
    z.strictObject({
      rollback: z.enum(['immediately', 'progressively']),
      scope: z
        .enum(['service', 'phase', 'plan'])
        .optional()
        .describe('what goes back: default the service; what came after it goes back too'),
      through: z
        .array(z.int().min(0).max(99))
        .optional()
        .describe('progressively: the weights on the way down; default 75, 50, 25, 0'),
      every: durationSchema.optional().describe('progressively: observed between two; default 5m'),
    }),
    z.strictObject({
      run: command,
      again: durationSchema.optional().describe('while it fires; default never'),
    }),
    z.strictObject({ flag: name.describe('set on while it fires, and left on') }),
  ],
  { error: ACTION },
)

export const guardrail = z.strictObject({
  metric: metric.optional(),
  query: query.optional(),
  check: path.optional().describe('a path of green that must answer 2xx'),
  gate: name.optional().describe('a gate that is judged again and again; its failure trips'),
  services: z.array(name).min(1).optional().describe('default: every service'),
  above: thresholdSchema.optional(),
  below: thresholdSchema.optional(),
  warn: thresholdSchema.optional().describe('notifies, does nothing else'),
  for: durationSchema
    .optional()
    .describe('how long it must hold before it trips; without it evidence alone decides'),
  every: durationSchema.optional().describe('of a check or a gate; default 30s'),
  consecutiveFailures: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('of a check: trips at this many in a row; default 3'),
  severity: z.enum(SEVERITIES).default('critical'),
  notify: z.array(name).min(1).optional().describe('who is told; default every channel'),
  then: action,
})

export const escalation = z.strictObject({
  errors: shareSchema.describe("above this share of green's answers"),
  notify: z.array(name).min(1),
  rollback: z.boolean().default(false),
})
