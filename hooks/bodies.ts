import { z } from 'zod'
import { portsOf } from '../platforms/local/layout.ts'
import type { Plan } from '../rollout/plan.ts'
import { positionsOf } from '../rollout/positions.ts'

/**
 * What the hook's API takes. A plan comes parsed, in milliseconds and ratios, so it is checked for
 * its outline and for compiling into positions; its own schema has checked the rest.
 */
const percent = z.number().min(0).max(100)
const weights = z.strictObject({ blue: percent, green: percent })
const text = z.string().max(2_000)
const colour = z.looseObject({
  url: z.string().optional(),
  port: z.int().min(1).max(65_535).optional(),
})

const blue = z.union([z.literal('none'), colour])
const rollback = z.looseObject({ rollback: z.enum(['immediately', 'progressively']) })
const then = z.union([
  z.enum(['rollback', 'hold', 'notify', 'investigate']),
  rollback,
  z.looseObject({ run: z.array(z.string()) }),
  z.looseObject({ flag: z.string() }),
])

const plan = z
  .looseObject({
    name: z.string().min(1),
    services: z.record(z.string(), z.looseObject({ blue, green: colour })),
    steps: z
      .array(
        z.union([z.number(), z.looseObject({ weight: z.number(), gates: z.array(z.string()) })]),
      )
      .min(1),
    start: z.looseObject({ bake: z.number(), gates: z.array(z.string()) }),
    bake: z.number(),
    minimumRequests: z.number(),
    guardrails: z.record(z.string(), z.looseObject({ then })),
    gates: z.record(
      z.string(),
      z.looseObject({ otherwise: z.enum(['rollback', 'hold']), ignore: z.array(z.string()) }),
    ),
    backups: z.record(z.string(), z.looseObject({ maximumAge: z.number() })),
    notify: z.record(
      z.string(),
      z.looseObject({ webhook: z.string().optional(), slack: z.string().optional() }),
    ),
    retire: z.looseObject({ after: z.number() }),
    local: z.looseObject({ listen: z.string() }),
  })
  .transform((value, context): Plan => {
    const parsed = value as unknown as Plan
    try {
      positionsOf(parsed)
      portsOf(parsed)
    } catch (error) {
      context.issues.push({
        code: 'custom',
        message: `does not compile into positions: ${(error as Error).message}`,
        input: value,
      })
    }
    return parsed
  })

export const chargeBody = z.strictObject({
  plan,
  planHash: z.string().min(1).max(100),
  clock: z.number().positive(),
  environment: z.string().max(100).optional(),
})

const request = z.strictObject({
  plan,
  planHash: z.string().min(1).max(100),
  position: z.string().max(200),
  attempt: z.int().min(1),
  confirmed: z.array(z.string().max(200)).max(1_000),
  clock: z.number().positive(),
  environment: z.string().max(100).optional(),
})

export const admitBody = z.strictObject({ request, lastAttempt: z.int().min(1).optional() })
export const verifyBody = z.strictObject({ request })
export const weightsBody = weights.refine(
  ({ blue, green }) => Math.abs(blue + green - 100) < 1e-6,
  {
    error: 'blue and green do not sum to 100',
  },
)
export const rollbackBody = z.strictObject({
  by: text.min(1),
  reason: text,
  service: text.optional(),
  phase: text.optional(),
  progressively: z.boolean().optional(),
  askedAt: z.iso.datetime().optional(),
})
export const flagBody = z.strictObject({ on: z.boolean(), by: text.min(1) })
export const resolveBody = z.strictObject({ guardrail: text.min(1), by: text.min(1) })
export const takeDownBody = z.strictObject({ operation: text.min(1), by: text.min(1) })

export const backupBody = z.strictObject({
  name: z.string().min(1).max(100),
  id: z.string().min(1).max(200),
  takenAt: z.iso.datetime(),
  verifiedAt: z.iso.datetime().optional(),
  tables: z.record(z.string(), z.strictObject({ rows: text, fingerprint: text })),
  bytes: z.number().min(0),
  location: text,
  restorable: z.strictObject({ from: z.iso.datetime(), to: z.iso.datetime() }).optional(),
})

/** Alerts as Prometheus posts them to an Alertmanager, API v2. */
export const alertsBody = z
  .array(
    z.looseObject({
      labels: z.record(z.string(), text),
      annotations: z.record(z.string(), text).default({}),
      startsAt: z.iso.datetime({ offset: true }).optional(),
      endsAt: z.iso.datetime({ offset: true }).optional(),
    }),
  )
  .max(1_000)

export type PostedAlert = z.output<typeof alertsBody>[number]

/** Every mistake in one line: where and what. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 10)
    .map(({ path, message }) => `${path.join('.') || 'the body'}: ${message}`)
    .join('; ')
}
