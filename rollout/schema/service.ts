import { z } from 'zod'
import { arn } from './aws.ts'
import { objectName } from './kubernetes.ts'
import { command, environment, header, httpUrl, name, names, path, port, query } from './words.ts'

const colour = z
  .strictObject({
    command: command
      .optional()
      .describe('started and supervised by the platform; relative to the project'),
    image: z
      .string()
      .min(1)
      .optional()
      .describe('a container image, in which the command runs, or its own; with a port'),
    existing: objectName
      .optional()
      .describe('a Service of the cluster that runs already; with its port'),
    url: httpUrl.optional().describe('a system that runs already; never started or stopped'),
    servedBy: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,39}\.(blue|green)$/, {
        error: 'give a colour of another service, such as auth.blue',
      })
      .optional()
      .describe('the colour of a service whose process answers for this one too'),
    targetGroupArn: arn
      .optional()
      .describe('aws: an existing target group; its targets are never started or stopped'),
    flag: name.optional().describe('of the plan: on for the requests that go to this colour'),
    port: port.optional().describe('where a command listens on loopback; given to it as PORT'),
    environment,
  })
  .describe(
    'a command with a port, an image with a port, the url of a running system, or the process of another colour',
  )

const blue = z
  .union([z.literal('none'), colour])
  .describe('what serves before the rollout; none for what is new: at 0 it is off')

export const TIERS = ['low', 'medium', 'critical'] as const

export const STRATEGIES = [
  'direct',
  'dual-write',
  'feature-toggle',
  'state-preservation',
  'compensation',
  'distributed-transaction',
] as const

const strategy = z.enum(STRATEGIES, { error: `give one of ${STRATEGIES.join(', ')}` })

/**
 * What happens with a service's own state and work in flight when its traffic moves.
 * - direct: nothing; its interface must be kept, which a gate shows
 * - dual-write: the router sends each write to both colours, and reads go by weight
 * - feature-toggle: one process; the flag of its green shifts, not the route
 * - state-preservation: `export` and `import` carry state from blue to green, and back on rollback
 * - compensation: a rollback drains the work in flight and runs `compensate`
 * - distributed-transaction: `prepare` before each rise; `commit` when it stands, `abort` on rollback
 */
const state = z.strictObject({
  export: command
    .optional()
    .describe('state-preservation: writes the state of SLUICE_FROM to stdout'),
  import: command.optional().describe('state-preservation: reads it on stdin into SLUICE_TO'),
  inFlight: query.optional().describe('compensation: how much work is in flight; drained at 0'),
  drain: z.number().optional(),
  compensate: command.optional(),
  prepare: command.optional(),
  commit: command.optional(),
  abort: command.optional(),
  writes: z
    .array(z.string().regex(/^[A-Z]{3,10}$/, { error: 'give a method, such as POST' }))
    .default(['POST', 'PUT', 'PATCH', 'DELETE'])
    .describe('dual-write: the methods that write'),
  gate: name.optional().describe('the gate that shows the interface or the data to be alike'),
})

export const service = z.strictObject({
  blue,
  green: colour.describe('what is being rolled out'),
  routes: z
    .array(path)
    .min(1)
    .default(['/'])
    .describe('path prefixes that belong to it; the longest wins; default everything'),
  health: path.default('/healthz').describe('answers 2xx while the service is able to work'),
  metrics: path.optional().describe('read by Prometheus, with the service and color as labels'),
  affinity: z
    .strictObject({
      header: header.optional(),
      cookie: z
        .string()
        .regex(/^[A-Za-z0-9_-]+$/, { error: 'give the name of a cookie, such as session' })
        .optional(),
      bucket: z
        .enum(['crc32', 'md5'])
        .default('crc32')
        .describe('md5: the first eight hex digits of it, modulo 100, as services compute it too'),
    })
    .prefault({})
    .describe('what tells users apart: the same user keeps the same colour while green rises'),
  fallback: z
    .strictObject({ header })
    .optional()
    .describe('a header of answers that green got from blue: they are never a success of green'),
  tier: z
    .enum(TIERS, { error: 'give low, medium or critical' })
    .optional()
    .describe('its risk: lower tiers move first'),
  dependsOn: names.describe('services and external systems it needs; services move after those'),
  together: names.describe('services that always have the same weight'),
  strategy: strategy.default('direct').describe('how its own state survives a move'),
  state: state.prefault({}).describe('the commands of its strategy'),
})

export const external = z
  .strictObject({
    check: command.optional().describe('exit code 0 while it is well'),
    url: httpUrl.optional().describe('answers 2xx while it is well'),
  })
  .describe('a system that is checked before each rise and never moved')
