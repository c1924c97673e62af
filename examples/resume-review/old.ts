import { randomUUID } from 'node:crypto'
import type { Store } from '../database.ts'
import { Refusal } from '../huntred/http.ts'
import type { Told } from '../service.ts'
import { type Agent, type AnalysisResult, count } from './features.ts'

// The old layers, and the adapter that gives them the new interface. What each answers is what the
// new ones must answer too. Nothing but the backend reads this file, and only until it is retired.

export async function login(store: Store, user: string): Promise<Told> {
  const [found] = await store.query<{ id: string; email: string }>(
    'select id, email from users where id = $1',
    [user],
  )
  if (!found) throw new Refusal(401, 'unauthenticated', 'user: is not known')
  const token = randomUUID()
  await store.query('insert into sessions (token, user_id) values ($1, $2)', [token, user])
  return { body: { user: found.id, email: found.email, token } }
}

/** ResumeAnalysisOrchestrator, whose words are its own. */
export function orchestrate(agent: Agent, text: string) {
  const { length, numbers } = count(agent, text)
  return {
    score: Math.min(100, 40 + length),
    strengths: numbers > 0 ? ['has figures'] : [],
    weaknesses: text.split(/\s+/).length < 20 ? ['is short'] : [],
  }
}

/** LegacyAIAdapter: the old implementation behind the new interface. */
export function analyze(agent: Agent, text: string): AnalysisResult {
  const { score, strengths, weaknesses } = orchestrate(agent, text)
  return { overall_score: score, strengths, weaknesses }
}
