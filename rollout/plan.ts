import { z } from 'zod'
import { durationSchema } from './duration.ts'
import { shareSchema, thresholdSchema } from './threshold.ts'

/**
 * The plan of a rollout: one strict schema, from which the types, the JSON Schema for editors and
 * every default come. An unknown key is an error. `parse-plan.ts` turns what is wrong into
 * messages; `positions.ts` compiles what is right into the list of positions.
 */

const NAME =
  'give a name of lower-case letters, digits and hyphens, beginning with a letter, at most 40 long'
const name = z.string({ error: NAME }).regex(/^[a-z][a-z0-9-]{0,39}$/, { error: NAME })

const port = z.int().min(1).max(65535)

/** A value that is read from the environment of the process that uses it, never stored. */
const VARIABLE =
  'give the name of an environment variable as env:NAME; a secret itself never stands in a plan'
const fromEnvironment = z
  .string({ error: VARIABLE })
  .regex(/^env:[A-Za-z_][A-Za-z0-9_]*$/, { error: VARIABLE })

const path = z
  .string()
  .regex(/^\/[^\s\p{Cc}"'\\]*$/u, { error: 'give a path that begins with /, such as /healthz' })

const command = z
  .array(z.string().min(1))
  .min(1)
  .describe('program and arguments; no shell reads it')

const colour = z
  .strictObject({
    command: command
      .optional()
      .describe('started and supervised by the platform; relative to the project'),
    url: z
      .url({
        protocol: /^http$/,
        error: 'give the http address of a running system, such as http://127.0.0.1:9001',
      })
      .optional()
      .describe('a system that runs already; never started or stopped'),
    port: port.optional().describe('where a command listens on loopback; given to it as PORT'),
    environment: z
      .record(z.string(), z.string())
      .default({})
      .describe('variables for the command; env:NAME passes one on'),
  })
  .describe('one colour of a service: a command with a port, or the url of a running system')

const service = z.strictObject({
  blue: colour.describe('what serves before the rollout'),
  green: colour.describe('what is being rolled out'),
  routes: z
    .array(path)
    .min(1)
    .default(['/'])
    .describe('path prefixes that belong to it; the longest wins; default everything'),
  health: path.default('/healthz').describe('answers 2xx while the service is able to work'),
  affinity: z
    .strictObject({
      header: z
        .string()
        .regex(/^[A-Za-z0-9-]+$/, { error: 'give the name of a header, such as x-user-id' })
        .optional(),
      cookie: z
        .string()
        .regex(/^[A-Za-z0-9_-]+$/, { error: 'give the name of a cookie, such as session' })
        .optional(),
    })
    .default({})
    .describe('what tells users apart: the same user keeps the same colour while green rises'),
})

const gateNames = z.array(name).default([])

const step = z.union([
  z.number(),
  z.strictObject({
    weight: z.number(),
    bake: durationSchema.optional().describe("default: the plan's bake"),
    gates: gateNames.describe('gates judged at the end of the bake, before the step is left'),
  }),
])

const METRICS = ['error-rate', 'p50', 'p95', 'p99'] as const

const action = z.enum(['rollback', 'hold', 'notify'], { error: 'give rollback, hold or notify' })

const guardrail = z.strictObject({
  metric: z.enum(METRICS).optional(),
  check: path.optional().describe('a path of green that must answer 2xx'),
  above: thresholdSchema.optional(),
  below: thresholdSchema.optional(),
  warn: thresholdSchema.optional().describe('notifies, does nothing else'),
  for: durationSchema
    .optional()
    .describe('how long it must hold before it trips; without it evidence alone decides'),
  every: durationSchema.optional().describe('of a check; default 30s'),
  consecutiveFailures: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('of a check: trips at this many in a row; default 3'),
  severity: z.enum(['low', 'medium', 'high', 'critical']).default('critical'),
  then: action,
})

const gate = z.strictObject({
  at: z
    .enum(['start', 'every-step'])
    .optional()
    .describe('judged at start, or at each step; steps may also name it'),
  metric: z.enum(METRICS).optional().describe("steady: green's value over the whole bake"),
  above: thresholdSchema.optional(),
  below: thresholdSchema.optional(),
  over: z.literal('bake').optional(),
  otherwise: z.enum(['rollback', 'hold']).default('hold').describe('what a failed gate does'),
  replay: z.string().min(1).optional().describe('parity: a file of requests sent to both colours'),
  ignore: z
    .array(
      z.string().regex(/^\$(\.[A-Za-z0-9_-]+|\[\*\])+$/, {
        error: 'give a JSON path such as $.servedAt or $.items[*].id',
      }),
    )
    .default([])
    .describe('parity: parts of the answers that may differ'),
  identical: shareSchema
    .optional()
    .describe('parity: the share of requests that must have the same answer; default 100%'),
  confirm: z
    .string()
    .min(1)
    .optional()
    .describe('a question for a person; answered by a line in sluice:confirmed'),
})

const backup = z.strictObject({
  postgres: fromEnvironment.describe('the database to back up'),
  before: z
    .enum(['first-step', 'every-step'])
    .default('every-step')
    .describe('which steps wait for it'),
  maximumAge: durationSchema
    .default(900_000)
    .describe('older is stale and is taken anew; default 15m'),
  verify: z
    .enum(['restore', 'list'])
    .default('restore')
    .describe('restore: into a scratch database, count and fingerprint compared'),
})

const channel = z.strictObject({
  webhook: fromEnvironment.optional(),
  slack: fromEnvironment.optional(),
})

const limits = z.strictObject({
  flag: durationSchema.optional(),
  service: durationSchema.optional(),
  phase: durationSchema.optional(),
  plan: durationSchema.optional(),
  disaster: durationSchema.optional(),
})

const local = z.strictObject({
  listen: z
    .string()
    .regex(/^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/, {
      error: 'give an address and a port, such as 127.0.0.1:8380',
    })
    .default('127.0.0.1:8380')
    .describe('where users reach the router'),
  postgres: z
    .strictObject({
      databases: z
        .record(
          z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, {
            error: 'give the name of a database: lower-case letters, digits and _',
          }),
          z.string().regex(/^[A-Z_][A-Z0-9_]*$/, {
            error: 'give the name of the variable that carries its address, such as ORDERS_URL',
          }),
        )
        .describe(
          'databases, each with the variable that carries its address to services and backups',
        ),
    })
    .optional()
    .describe('a supervised PostgreSQL server on a socket only this user reaches'),
})

export const planSchema = z.strictObject({
  name,
  services: z.record(name, service).describe('what is moved, in this order'),
  steps: z.array(step).min(1).describe("green's share in percent, rising to 100"),
  start: z
    .strictObject({ bake: durationSchema.default(0), gates: gateNames })
    .prefault({})
    .describe('the position before the first step: deployed, no traffic'),
  bake: durationSchema
    .default(3_600_000)
    .describe('how long a step is watched before it may be left; default 1h'),
  minimumRequests: z
    .int()
    .min(1)
    .default(50)
    .describe('answers of green a bake must have seen; default 50'),
  guardrails: z.record(name, guardrail).default({}),
  gates: z.record(name, gate).default({}),
  backups: z.record(name, backup).default({}),
  notify: z.record(name, channel).default({}).describe('where news goes, beside the console'),
  limits: limits.prefault({}).describe('promised times from trigger to done'),
  retire: z
    .strictObject({ after: durationSchema.default(0) })
    .prefault({})
    .describe('how long green must stay at 100 before blue may be released'),
  local: local.prefault({}).describe('the local platform'),
})

/** A plan as it is written. */
export type PlanInput = z.input<typeof planSchema>
/** A plan as it is used: durations in milliseconds, thresholds and shares as numbers. */
export type Plan = z.output<typeof planSchema>
export type Service = Plan['services'][string]
export type Colour = Service['blue']
export type Guardrail = Plan['guardrails'][string]
export type Gate = Plan['gates'][string]
export type Backup = Plan['backups'][string]
export type Metric = (typeof METRICS)[number]
export type ColourName = 'blue' | 'green'
