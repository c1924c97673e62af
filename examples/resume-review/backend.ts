import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { open } from '../database.ts'
import { notFound, Refusal } from '../huntred/http.ts'
import { Metrics } from '../metrics.ts'
import { type Asked, type Routes, serve } from '../service.ts'
import { type Agent, features, resume } from './features.ts'
import { Legacy } from './legacy.ts'

// One process with the old layers and the new features; a flag says which answers, live, until the
// old ones are removed. A variable
// such as USE_NEW_AUTH=true wins over the flag file: so that suites can try both.
// Faults beside the usual: `leakKilobytes` and `leakConnections` a request, `newErrors` the share of
// requests that log an error of a type nobody has seen, `newFails` that of those that fail, `newWrong`
// that of those with a field too many, `newSlowMs` the milliseconds that each takes longer; all of them
// strike the new features alone.

const metrics = new Metrics()
const schema = readFileSync(new URL('schema.sql', import.meta.url), 'utf8')
const store = open('RESUME_REVIEW_URL', schema, metrics)
const kept: Buffer[] = []
let leaked = 0
const pool = new pg.Pool({ connectionString: process.env['RESUME_REVIEW_URL'], max: 8 })
pool.on('error', () => undefined)
metrics.gauge('db_connections', () => leaked)
const legacy = await Legacy.load(store)
metrics.gauge('old_code', () => (legacy.code ? 1 : 0))

const on = async (flag: string, asked: Asked): Promise<boolean> => {
  if (!legacy.code) return true
  const variable = process.env[flag.toUpperCase().replaceAll('-', '_')]
  const told = variable ?? (asked.colour && String(asked.colour === 'green'))
  const yes = told === undefined ? asked.flag(flag) : told === 'true'
  metrics.add(
    `${yes ? 'new' : 'old'}_${flag.replace('use-new-', '').replaceAll('-', '_')}_requests_total`,
  )
  if (yes) await misbehave(asked)
  return yes
}

/** What is asked where the answer is to have a field too many. */
const spoiled = new WeakSet<Asked>()

async function misbehave(asked: Asked): Promise<void> {
  if (service.fault('newSlowMs') > 0) await sleep(service.fault('newSlowMs'))
  if (Math.random() < service.fault('newWrong')) spoiled.add(asked)
  if (service.fault('leakKilobytes') > 0)
    kept.push(Buffer.alloc(service.fault('leakKilobytes') * 1024, 1))
  else kept.length = 0
  if (service.fault('leakConnections') > 0 && leaked < 8) {
    leaked += 1
    void pool.connect().catch(() => undefined)
  }
  if (Math.random() < service.fault('newErrors')) {
    console.error('ERROR NewKindOfTrouble: a fault of the rehearsal')
  }
  if (Math.random() < service.fault('newFails')) {
    throw new Refusal(500, 'internal', 'a fault of the rehearsal')
  }
}

const agent = (name: Agent) => async (asked: Asked) => {
  const text = await resume(store, asked.params['id'])
  const yes = await on(`use-new-ai-${name}`, asked)
  const found = (yes ? features : legacy.now).analyze(name, text)
  return { body: { ...found }, headers: { 'x-version': yes ? 'new' : 'old' } }
}

const service = serve({
  name: 'resume-review',
  version: 'backend',
  metrics,
  faults: ['leakKilobytes', 'leakConnections', 'newErrors', 'newFails', 'newWrong', 'newSlowMs'],
  stop: () => store.close(),
  routes: spoilable({
    'POST /api/auth/login': async (asked) => {
      const user = String(asked.body['user'] ?? asked.headers['x-user-id'] ?? '')
      const yes = await on('use-new-auth', asked)
      const told = await (yes ? features : legacy.now).login(store, user)
      return { ...told, headers: { 'x-version': yes ? 'new' : 'old' } }
    },
    'GET /api/auth/me': async (asked) => {
      const yes = await on('use-new-auth', asked)
      const user = String(asked.headers['x-user-id'] ?? '')
      const [found] = await store.query('select id, email from users where id = $1', [user])
      if (!found) throw new Refusal(401, 'unauthenticated', 'user: is not known')
      return { body: found, headers: { 'x-version': yes ? 'new' : 'old' } }
    },
    'POST /api/upload': async (asked) => {
      // There is no old upload: off is not there.
      if (!(await on('use-new-upload', asked))) throw notFound('upload does not exist')
      return { ...(await features.upload(store, asked)), headers: { 'x-version': 'new' } }
    },
    // Not below /api: the router brings no user here.
    'GET /code': async () => ({ body: { old: legacy.code !== undefined } }),
    'DELETE /code/old': async () => {
      await legacy.remove()
      return { body: { old: false } }
    },
    'GET /api/ai/structure/:id': agent('structure'),
    'GET /api/ai/appeal/:id': agent('appeal'),
    'GET /api/review/:id': async (asked) => {
      const text = await resume(store, asked.params['id'])
      const yes = await on('use-new-review', asked)
      const { analyze } = yes ? features : legacy.now
      const [structure, appeal] = [analyze('structure', text), analyze('appeal', text)]
      const overall_score = Math.round((structure.overall_score + appeal.overall_score) / 2)
      return {
        body: { id: Number(asked.params['id']), overall_score, structure, appeal },
        headers: { 'x-version': yes ? 'new' : 'old' },
      }
    },
  }),
})

function spoilable(routes: Routes): Routes {
  return Object.fromEntries(
    Object.entries(routes).map(([route, handle]) => [
      route,
      async (asked) => {
        const told = await handle(asked)
        return spoiled.has(asked) ? { ...told, body: { ...told.body, surplus: true } } : told
      },
    ]),
  )
}
