import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Store } from '../database.ts'
import { invalid, notFound, Refusal } from '../huntred/http.ts'
import type { Asked, Told } from '../service.ts'

/** What an agent found in a resume: the interface that old and new have in common. */
export interface AnalysisResult {
  overall_score: number
  strengths: string[]
  weaknesses: string[]
}

export type Agent = 'structure' | 'appeal'

/** The old layers. What each answers is what the new ones must answer too. */
export const old = {
  async login(store: Store, user: string): Promise<Told> {
    const [found] = await store.query<{ id: string; email: string }>(
      'select id, email from users where id = $1',
      [user],
    )
    if (!found) throw new Refusal(401, 'unauthenticated', 'user: is not known')
    const token = randomUUID()
    await store.query('insert into sessions (token, user_id) values ($1, $2)', [token, user])
    return { body: { user: found.id, email: found.email, token } }
  },
  /** ResumeAnalysisOrchestrator, whose words are its own. */
  analyze(agent: Agent, text: string) {
    const words = text.split(/\s+/)
    const numbers = words.filter((word) => /\d/.test(word))
    const length = agent === 'structure' ? words.length : numbers.length * 4
    return {
      score: Math.min(100, 40 + length),
      strengths: numbers.length > 0 ? ['has figures'] : [],
      weaknesses: words.length < 20 ? ['is short'] : [],
    }
  },
}

/** The new features. */
export const features = {
  async login(store: Store, user: string): Promise<Told> {
    const [made] = await store.query<{ id: string; email: string; token: string }>(
      `with found as (select id, email from users where id = $1),
         made as (insert into sessions (token, user_id)
           select gen_random_uuid()::text, id from found returning token)
       select id, email, token from found, made`,
      [user],
    )
    if (!made) throw new Refusal(401, 'unauthenticated', 'user: is not known')
    return { body: { user: made.id, email: made.email, token: made.token } }
  },
  async upload(store: Store, { body, headers }: Asked): Promise<Told> {
    const { filename, text } = body
    if (typeof filename !== 'string' || typeof text !== 'string') {
      throw invalid('filename, text: give both')
    }
    const id = createHash('md5').update(`${filename} ${text}`).digest('hex')
    await store.query(
      `insert into analysis_requests values ($1, $2, $3, $4, 'extracted')
       on conflict (id) do update set status = 'extracted'`,
      [id, String(headers['x-user-id'] ?? ''), filename, `/uploads/${id}`],
    )
    return { status: 201, body: { id, status: 'extracted', characters: text.length } }
  },
  /** An agent over its prompt. The model is a stand-in: it counts. */
  analyze(agent: Agent, text: string): AnalysisResult {
    const { prompts } = (promptsOf() as Record<Agent, { prompts: { user: string } }>)[agent]
    const resume = prompts.user.replace('{resume_text}', text).slice(prompts.user.indexOf('{'))
    return adapt(old.analyze(agent, resume))
  },
}

/** LegacyAIAdapter: the old implementation behind the new interface. */
export function adapt({
  score,
  strengths,
  weaknesses,
}: ReturnType<typeof old.analyze>): AnalysisResult {
  return { overall_score: score, strengths, weaknesses }
}

let prompts: unknown
export function promptsOf(): unknown {
  const file = process.env['PROMPTS'] ?? new URL('prompts.yaml', import.meta.url)
  prompts ??= parse(readFileSync(file, 'utf8'))
  return prompts
}

export async function resume(store: Store, id: string | undefined): Promise<string> {
  const sql = 'select resume from reviews where id = $1'
  const [found] = await store.query<{ resume: string }>(sql, [Number(id) || 0])
  if (!found) throw notFound(`review ${id} does not exist`)
  return found.resume
}
