import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../command.ts'
import { Refusal } from '../huntred/http.ts'
import { Metrics } from '../metrics.ts'
import { type Asked, type Routes, serve, type Told } from '../service.ts'
import { type Candidate, Outcomes, select } from './match.ts'

// SuperSmartMatch V2: three algorithms and a selector. Faults: `imprecise`, `dissatisfied` and
// `unconverted` are the shares of matches that are wrong, please nobody and lead nowhere, `broken` that
// of matches that fail and fall back to V1, `work` the milliseconds of one; `slow` and `errors` as ever.

const metrics = new Metrics()
const outcomes = new Outcomes(metrics)
const v1 = process.env['V1_URL']
const cache = new Map<string, true>()
let optimised = false
metrics.gauge('performance_mode', () => performanceMode)
let performanceMode = 0

const match = async (asked: Asked): Promise<Told> => {
  const candidate = asked.body as Candidate
  if (!asked.flag('enable-v2') && process.env['SLUICE_FLAGS']) return fallBack(asked, 'v2 is off')
  if (Math.random() < service.fault('broken')) return fallBack(asked, 'the algorithm failed')
  performanceMode = asked.flag('performance-mode') ? 1 : 0
  // In performance mode the costly second look is left out.
  await sleep((performanceMode ? 1 : 3) + service.fault('work') * (performanceMode ? 0.1 : 1))
  const nexten = asked.flag('enable-nexten') || !process.env['SLUICE_FLAGS']
  const algorithm = select(candidate, nexten)
  const key = String(candidate.id ?? '')
  const cached = key !== '' && cache.has(key)
  if (key !== '' && cache.size < 10_000) cache.set(key, true)
  outcomes.add({
    correct: Math.random() >= Math.max(0.005, service.fault('imprecise')),
    satisfied: Math.random() >= Math.max(0.015, service.fault('dissatisfied')),
    converted: Math.random() < 0.3 * (1 - service.fault('unconverted')),
    nexten: algorithm === 'nexten_matcher',
    cached,
  })
  return { body: { candidate: candidate.id ?? null, matched: true, algorithm, score: 95 } }
}

/** "FALLBACK_TO_V1=true": the header says that it was not V2 that matched. */
async function fallBack(asked: Asked, why: string): Promise<Told> {
  if (v1 === undefined || (!asked.flag('fallback-to-v1') && process.env['SLUICE_FLAGS'])) {
    throw new Refusal(500, 'internal', why)
  }
  const body = await ask(`${v1}${asked.path.replace('/v2', '')}`, 'POST', asked.body)
  return { body, headers: { 'x-fallback': 'v1' } }
}

const routes: Routes = {
  'POST /match': match,
  'POST /v2/match': match,
  'POST /v2/health': () => ({ body: { status: 'ok', optimised } }),
  'GET /match/:id': ({ params }) => ({ body: { candidate: params['id'], matched: true } }),
  'PUT /admin/config': ({ body }) => {
    optimised = body['optimised'] === true
    return { body: { optimised } }
  },
}

const service = serve({
  name: 'supersmartmatch',
  version: 'v2',
  metrics,
  routes,
  faults: ['imprecise', 'dissatisfied', 'unconverted', 'broken', 'work'],
})
