import { createHash, timingSafeEqual } from 'node:crypto'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { z } from 'zod'
import type { Operations } from '../platforms/operations.ts'
import { rollBackFor } from '../platforms/person.ts'
import { type FlagReport, Refused, Unavailable } from '../platforms/platform.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import type { BackupRecord, Measurement } from '../rollout/journal.ts'
import type { ColourName } from '../rollout/plan.ts'
import type { ServiceWeights } from '../rollout/weights.ts'
import {
  admitBody,
  alertsBody,
  backupBody,
  chargeBody,
  describeIssues,
  flagBody,
  type PostedAlert,
  resolveBody,
  rollbackBody,
  takeDownBody,
  verifyBody,
  weightsBody,
} from './bodies.ts'
import type { Charge } from './world.ts'

/** What the API stands on. */
export interface ApiParts {
  operations: Operations
  token: string
  alertsToken: string
  charge(): Charge
  setCharge(charge: Charge): Promise<void>
  /** Why the hook does not guard; undefined while it does. */
  trouble(): string | undefined
  readWeights(): Promise<ServiceWeights>
  measure(service: string, colour: ColourName, windowMs: number): Measurement
  events(limit: number): RolloutEvent[]
  backups(): Promise<BackupRecord[]>
  status(): Promise<object>
  takeAlerts(alerts: PostedAlert[]): Promise<void>
  setFlag(flag: string, on: boolean, by: string): Promise<FlagReport>
  takeDown(operation: string, by: string): Promise<void>
  /** @param agent of whoever reads the metrics */
  metrics(agent: string): Promise<string>
  onError(error: unknown): void
}

const PLAN_BYTES = 4_000_000
const ALERTS_BYTES = 1_000_000
const LONGEST_WINDOW_MS = 600_000

/** The hook's API: see the routes for its shapes; JSON throughout. */
export function createApi(parts: ApiParts): Hono {
  const { operations } = parts
  const api = new Hono()

  // It is there, whether it guards or not: an update that ended it for that would make it worse.
  api.get('/readyz', (context) => context.json({ pid: process.pid }))
  api.get('/healthz', (context) => {
    const trouble = parts.trouble()
    if (trouble !== undefined) return context.json({ error: trouble }, 503)
    return context.json({ planHash: parts.charge().planHash, pid: process.pid })
  })
  api.get('/metrics', async (context) =>
    context.text(await parts.metrics(context.req.header('user-agent') ?? ''), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    }),
  )

  api.use('/v1/*', bearer(parts.token), limited(PLAN_BYTES))
  api.get('/v1/observation', async (context) => context.json(await operations.observe()))
  api.get('/v1/weights', async (context) => context.json(await parts.readWeights()))
  api.post('/v1/admit', async (context) => {
    const { request, lastAttempt } = await bodyOf(context, admitBody)
    return context.json(await operations.admit(request, lastAttempt))
  })
  api.put('/v1/weights/:service', async (context) => {
    const service = serviceOf(parts, context)
    return context.json(await operations.setWeights(service, await bodyOf(context, weightsBody)))
  })
  api.post('/v1/verify', async (context) => {
    const { request } = await bodyOf(context, verifyBody)
    return context.json(await operations.verify(request))
  })
  api.post('/v1/rollback', async (context) => {
    const started = performance.now()
    const command = await bodyOf(context, rollbackBody)
    const { plan } = parts.charge()
    return context.json(await rollBackFor(operations, plan, command, 'hook', started))
  })
  api.put('/v1/flags/:flag', async (context) => {
    const { on, by } = await bodyOf(context, flagBody)
    return context.json(await parts.setFlag(context.req.param('flag'), on, by))
  })
  api.post('/v1/resolve', async (context) => {
    const { guardrail, by } = await bodyOf(context, resolveBody)
    return context.json({ closed: await operations.resolve(guardrail, by) })
  })
  api.post('/v1/take-down', async (context) => {
    const { operation, by } = await bodyOf(context, takeDownBody)
    await parts.takeDown(operation, by)
    return context.json({}, 202)
  })
  api.post('/v1/adopt', async (context) => {
    const { plan, planHash } = parts.charge()
    return context.json(await operations.adopt(plan, planHash))
  })
  api.put('/v1/plan', async (context) => {
    await parts.setCharge(await bodyOf(context, chargeBody))
    return context.json({ planHash: parts.charge().planHash })
  })
  api.get('/v1/measure/:service/:colour', (context) => {
    const colour = context.req.param('colour')
    if (colour !== 'blue' && colour !== 'green') {
      throw new BadInput(`colour "${colour}" is neither blue nor green`)
    }
    const windowMs = wholeNumber(context, 'windowMs', 10_000, LONGEST_WINDOW_MS)
    return context.json(parts.measure(serviceOf(parts, context), colour, windowMs))
  })
  api.get('/v1/backups', async (context) => context.json(await parts.backups()))
  api.post('/v1/backups', async (context) => {
    await operations.recordBackup(await bodyOf(context, backupBody))
    return context.json({})
  })
  api.get('/v1/events', (context) =>
    context.json(parts.events(wholeNumber(context, 'limit', 100, 10_000))),
  )
  api.get('/v1/status', async (context) => context.json(await parts.status()))

  api.use('/api/v2/*', bearer(parts.alertsToken), limited(ALERTS_BYTES))
  api.post('/api/v2/alerts', async (context) => {
    await parts.takeAlerts(await bodyOf(context, alertsBody))
    return context.json({})
  })

  api.notFound((context) => context.json({ error: `no such place: ${context.req.path}` }, 404))
  api.onError((error, context) => {
    if (error instanceof BadInput) return context.json({ error: error.message }, 400)
    if (error instanceof Refused) {
      return context.json({ error: error.message, refusals: error.refusals }, 409)
    }
    if (error instanceof Unavailable) return context.json({ error: error.message }, 503)
    parts.onError(error)
    return context.json({ error: error.message }, 500)
  })
  return api
}

class BadInput extends Error {}

async function bodyOf<S extends z.ZodType>(context: Context, schema: S): Promise<z.output<S>> {
  let value: unknown
  try {
    value = await context.req.json()
  } catch {
    throw new BadInput('the body is no JSON')
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new BadInput(describeIssues(parsed.error))
  return parsed.data
}

function serviceOf(parts: ApiParts, context: Context): string {
  const service = context.req.param('service') ?? ''
  const known = Object.keys(parts.charge().plan.services)
  if (known.includes(service)) return service
  throw new BadInput(`no service "${service}" in the plan; it has ${known.join(', ')}`)
}

function wholeNumber(context: Context, name: string, byDefault: number, most: number): number {
  const text = context.req.query(name)
  if (text === undefined) return byDefault
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= most) return number
  throw new BadInput(`${name} "${text}" is no whole number from 1 to ${most}`)
}

/** Both sides are hashed first, so that neither the length nor a common beginning shows in the time. */
function bearer(token: string): MiddlewareHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(`Bearer ${token}`)
  return async (context, next) => {
    // A proxy on the way keeps the usual header to itself.
    const header = context.req.header('x-sluice-authorization')
    const given = digest(header ?? context.req.header('authorization') ?? '')
    if (token === '' || !timingSafeEqual(given, expected)) {
      return context.json({ error: 'a bearer token is needed' }, 401)
    }
    await next()
  }
}

function limited(maxSize: number): MiddlewareHandler {
  return bodyLimit({
    maxSize,
    onError: (context) => context.json({ error: `the body is larger than ${maxSize} bytes` }, 413),
  })
}
