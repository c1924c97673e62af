import { z } from 'zod'
import { durationSchema } from '../duration.ts'
import { command, environment, fromEnvironment, httpUrl, name, path, port } from './words.ts'

export const PRIORITIES = ['critical', 'high', 'medium'] as const

const tableName = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, {
  error: 'give the name of a table: lower-case letters, digits and _',
})

export const backup = z.strictObject({
  postgres: fromEnvironment.describe('the database to back up'),
  tables: z.array(tableName).min(1).optional().describe('default: all of them'),
  priority: z
    .enum(PRIORITIES)
    .optional()
    .describe(
      'beside the steps: critical archived continuously, to any moment (databases of local.postgres); high dumped every hour, medium every day',
    ),
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
    .describe(
      'restore: into a scratch database (critical: the archive into a cluster of its own), count and fingerprint compared; list: what was written is read to its end (critical: every WAL file since the base backup is seen in the archive)',
    ),
})

export const flag = z.strictObject({
  default: z.boolean().default(false),
  follows: z
    .array(name)
    .min(1)
    .optional()
    .describe("on for the users that these services' green has; of several, on where one has any"),
  parent: name.optional().describe('off while this flag is off'),
})

export const MOMENTS = [
  'before-first-step',
  'before-step',
  'after-step',
  'on-rollback',
  'promoted',
  'retired',
] as const

export const operation = z.strictObject({
  run: command,
  at: z.enum(MOMENTS).optional().describe('run once at this moment; a failure holds the step'),
  until: z
    .enum(['promoted', 'retired'])
    .optional()
    .describe('supervised from the first deployment until this position'),
  down: command
    .optional()
    .describe(
      'takes it back; run only by sluice rollback --database, and only where it is declared',
    ),
  metrics: z
    .union([httpUrl, z.strictObject({ port, path: path.default('/metrics') })])
    .optional()
    .describe(
      'read by Prometheus while it is supervised: a port of its own, wherever it runs, or an address',
    ),
  environment,
  timeout: durationSchema.default(600_000).describe('of one run; default 10m'),
})
