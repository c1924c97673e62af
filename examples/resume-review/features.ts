import { createHash } from 'node:crypto'
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
    const { length, numbers } = count(agent, resume)
    return {
      overall_score: Math.min(100, 40 + length),
      strengths: numbers > 0 ? ['has figures'] : [],
      weaknesses: resume.split(/\s+/).length < 20 ? ['is short'] : [],
    }
  },
}

/** The stand-in for a model, old and new: the words of a resume, or four for each figure in it. */
export function count(agent: Agent, text: string): { length: number; numbers: number } {
  const words = text.split(/\s+/)
  const numbers = words.filter((word) => /\d/.test(word)).length
  return { length: agent === 'structure' ? words.length : numbers * 4, numbers }
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
