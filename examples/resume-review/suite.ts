import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, command, must, words } from '../command.ts'
import { open } from '../database.ts'
import { promptsOf } from './features.ts'

// The suites of the document, on a backend of their own over the same tables: USE_NEW_AUTH=true and
// its like in the environment say which implementation is tried.

const user = { 'x-user-id': 'user-7' }
const KEYS = {
  auth: ['email', 'servedAt', 'token', 'user'],
  agent: ['overall_score', 'servedAt', 'strengths', 'weaknesses'],
  review: ['appeal', 'id', 'overall_score', 'servedAt', 'structure'],
}

type Suite = (url: string) => Promise<string>

const shape = (what: string, body: object, keys: string[]) =>
  must(
    Object.keys(body).sort().join() === keys.join(),
    `${what} has ${Object.keys(body).sort()}, not ${keys}`,
  )

const suites: Record<string, Suite> = {
  async auth(url) {
    const body = await ask<{ token: string }>(`${url}/api/auth/login`, 'POST', { user: 'user-7' })
    must(body.token.length > 0, 'login gave no token')
    const refused = await fetch(`${url}/api/auth/login`, {
      method: 'POST',
      body: '{"user":"nobody"}',
    })
    must(refused.status === 401, `somebody unknown got ${refused.status}, not 401`)
    const me = await ask(`${url}/api/auth/me`, 'GET', undefined, user)
    must(me['id'] === 'user-7', `I am ${JSON.stringify(me)}`)
    return 'auth works'
  },
  async ai(url) {
    for (const agent of ['structure', 'appeal']) {
      const found = await ask<{ overall_score: number }>(`${url}/api/ai/${agent}/3`)
      must(found.overall_score > 40, `${agent} found ${found.overall_score}`)
    }
    return 'both agents work'
  },
  async review(url) {
    const found = await ask<{ overall_score: number }>(`${url}/api/review/3`)
    must(found.overall_score > 40, `the review found ${found.overall_score}`)
    return 'the review works'
  },
  /** The shape of every answer. */
  async contract(url) {
    shape('login', await ask(`${url}/api/auth/login`, 'POST', { user: 'user-7' }), KEYS.auth)
    shape('structure', await ask(`${url}/api/ai/structure/3`), KEYS.agent)
    shape('appeal', await ask(`${url}/api/ai/appeal/3`), KEYS.agent)
    shape('review', await ask(`${url}/api/review/3`), KEYS.review)
    return 'every answer has the shape that was agreed'
  },
  async schema() {
    const store = open('RESUME_REVIEW_URL')
    const rows = await store.query<{ column: string }>(
      `select table_name || '.' || column_name as column from information_schema.columns
       where table_schema = 'public'`,
    )
    await store.close()
    const wanted = [
      'users.id',
      'users.email',
      'analysis_requests.user_id',
      'analysis_requests.status',
      'reviews.resume',
    ]
    const missing = wanted.filter((name) => !rows.some(({ column }) => column === name))
    must(missing.length === 0, `the database has no ${missing.join(', ')}`)
    return 'the database has every column'
  },
  /** What old and new code write into the same tables. */
  async data() {
    const store = open('RESUME_REVIEW_URL')
    const found = await store.query<{ what: string }>(
      `select 'session of ' || user_id || ', who is no user' as what from sessions s
         where not exists (select 1 from users where id = s.user_id)
       union all select 'review ' || id || ' without a resume' from reviews where resume = ''
       union all select 'request ' || id || ' is ' || coalesce(status, 'nothing')
         from analysis_requests where status is distinct from 'extracted'`,
    )
    await store.close()
    must(found.length === 0, `${found.length} rows are inconsistent: ${found[0]?.what}`)
    return 'the rows of all tables belong together'
  },
  async upload(url) {
    const made = await ask<{ id: string; status: string; characters: number }>(
      `${url}/api/upload`,
      'POST',
      { filename: 'resume.txt', text: 'Led a team of 7.' },
      user,
    )
    must(
      made.status === 'extracted' && made.characters === 16,
      `upload gave ${JSON.stringify(made)}`,
    )
    return 'an upload is stored and its text extracted'
  },
  async prompts() {
    const agents = Object.keys(promptsOf() as object)
    must(agents.includes('structure') && agents.includes('appeal'), `prompts of ${agents}`)
    return `prompts of ${agents.join(', ')} are YAML`
  },
}
suites['all'] = async (url) => {
  for (const name of ['auth', 'ai', 'review', 'contract', 'schema']) await suites[name]?.(url)
  return 'all tests pass'
}

await command(async () => {
  const name = words().positionals[0] ?? ''
  const suite = suites[name]
  must(suite !== undefined, `give one of ${Object.keys(suites).join(', ')}`)
  const port = await free()
  const child = start(port, name === 'upload' ? { USE_NEW_UPLOAD: 'true' } : {})
  try {
    const url = `http://127.0.0.1:${port}`
    for (const end = Date.now() + 20_000; Date.now() < end; await sleep(50)) {
      const response = await fetch(`${url}/api/review/1`).catch(() => undefined)
      if (response?.ok) break
    }
    return await suite(url)
  } finally {
    child.kill()
  }
})

function start(port: number, variables: Record<string, string>): ChildProcess {
  const { SLUICE_FLAGS: _live, ...environment } = process.env
  return spawn(process.execPath, ['examples/resume-review/backend.ts'], {
    env: { ...environment, ...variables, PORT: String(port) },
    stdio: 'ignore',
  })
}

function free(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
