import { z } from 'zod'
import { durationSchema } from '../duration.ts'
import { shareSchema, thresholdSchema } from '../threshold.ts'
import { metric } from './guardrail.ts'
import { command, environment, fromEnvironment, httpUrl, name, path, query } from './words.ts'

const table = z.string().regex(/^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/, {
  error: 'give the name of a table: lower-case letters, digits and _',
})

const metricName = z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, {
  error: 'give the name of a counter, such as match_correct_total',
})

/** Of the kinds of gates, which are the first fields, a gate has one. */
export const gate = z.strictObject({
  at: z
    .enum(['start', 'every-step'])
    .optional()
    .describe('judged at start, or at each step; steps may also name it'),
  services: z.array(name).min(1).optional().describe('default: those with traffic on green'),
  otherwise: z.enum(['rollback', 'hold']).default('hold').describe('what a failed gate does'),

  metric: metric.optional().describe("steady: green's value over the whole bake"),
  query: query.optional().describe('steady: one number at the end of the bake'),
  above: thresholdSchema.optional(),
  below: thresholdSchema.optional(),
  over: z.literal('bake').optional(),

  replay: z.string().min(1).optional().describe('parity: a file of requests sent to both colours'),
  group: z.string().min(1).optional().describe('parity: only the requests of this ### group'),
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
  lag: durationSchema
    .optional()
    .describe(
      'parity: by how much one side may be behind where its data follows the other; a read whose answers differ is asked again until then. Of the real clock; default not at all',
    ),
  outbox: z
    .union([path, z.strictObject({ blue: httpUrl, green: httpUrl })])
    .optional()
    .describe(
      'parity: where each colour lists as JSON what it sent out, a path such as /outbox or an address a colour; compared too. A member replay, the x-sluice-replay of the request, tells it from what users sent',
    ),

  confirm: z
    .string()
    .min(1)
    .optional()
    .describe('a question for a person; answered by a line in sluice:confirmed'),

  compare: z
    .strictObject({ blue: fromEnvironment, green: fromEnvironment })
    .optional()
    .describe('data: two databases whose tables must be alike'),
  tables: z.array(table).min(1).optional().describe('data: default every table of blue'),
  by: z
    .array(z.enum(['count', 'fingerprint', 'schema']))
    .min(1)
    .optional()
    .describe('data: default count and fingerprint'),

  cases: z
    .string()
    .min(1)
    .optional()
    .describe('rules: a YAML list of { name, request, expect } that green must answer'),

  load: z
    .strictObject({
      times: z.number().positive().max(100).describe("of blue's recorded rate"),
      for: durationSchema.describe('how long'),
      errors: shareSchema.default(0.01).describe('the most that may fail; default 1%'),
      p95: durationSchema.optional().describe('the slowest that p95 may be'),
      requests: z
        .string()
        .min(1)
        .optional()
        .describe('a file of requests; default the health path'),
    })
    .optional()
    .describe('load: sent to green directly, past the router'),

  run: command.optional().describe('suite: exit code 0 passes; runs in the folder of the project'),
  flags: z
    .array(name)
    .min(1)
    .optional()
    .describe('suite: run once with each of these flags off and once with it on, as variables'),
  environment: environment.optional(),
  timeout: durationSchema.optional().describe('suite: default 10m'),

  experiment: z
    .strictObject({
      successes: metricName.describe('a counter of both colours'),
      trials: metricName.describe('the counter it is a share of'),
      gain: shareSchema.default(0).describe("green's share minus blue's must be above; default 0%"),
      alpha: shareSchema.default(0.05).describe('chance of a wrong pass, however often looked at'),
    })
    .optional()
    .describe('a comparison of both colours by a test that may be looked at all the time'),

  logs: z
    .strictObject({
      pattern: z
        .string()
        .min(1)
        .max(200)
        .describe('a regular expression; its first group is the type'),
    })
    .optional()
    .describe("green's log has no type of error that blue's has not"),

  rehearsed: name.optional().describe('an environment where a rollback has been seen to work'),
})
