import type { IncomingMessage } from 'node:http'
import { authenticate, requireAdmin } from './access.ts'
import type { Recruiting } from './contract.ts'
import { invalid, notFound, Refusal, readJson } from './http.ts'
import { parseCandidate, parseCompatibility, parseId, parseListing, parseMessage } from './input.ts'

type Call = { system: Recruiting; request: IncomingMessage; query: URLSearchParams; id: string }
type Route = {
  method: 'GET' | 'POST'
  path: RegExp
  answer: (call: Call) => Promise<{ status?: number; body: object }>
}

const found = <T>(record: T | null, what: string, id: number | string): T => {
  if (record === null) throw notFound(`${what} ${id} does not exist`)
  return record
}

/** The contract that both generations keep. A slash at the end of a path makes no difference. */
const routes: Route[] = [
  {
    method: 'GET',
    path: /^\/api\/candidates\/?$/,
    answer: async ({ system, query }) => ({ body: await system.list(parseListing(query)) }),
  },
  {
    method: 'POST',
    path: /^\/api\/candidates\/?$/,
    async answer({ system, request }) {
      const candidate = parseCandidate(await readJson(request))
      const made = await system.create(candidate)
      if (made === 'no-unit') {
        throw invalid(`business_unit: ${JSON.stringify(candidate.business_unit)} does not exist`)
      }
      if (made === 'taken') throw new Refusal(409, 'taken', `email: ${candidate.email} is known`)
      return { status: 201, body: made }
    },
  },
  {
    method: 'GET',
    path: /^\/api\/candidates\/([^/]+)\/?$/,
    async answer({ system, id }) {
      const number = parseId('candidate', id)
      return { body: found(await system.candidate(number), 'candidate', number) }
    },
  },
  {
    method: 'GET',
    path: /^\/api\/ml\/analyze\/([^/]+)\/?$/,
    async answer({ system, id }) {
      const number = parseId('candidate', id)
      return { body: found(await system.analyze(number), 'candidate', number) }
    },
  },
  {
    method: 'POST',
    path: /^\/api\/ml\/compatibility\/?$/,
    async answer({ system, request }) {
      const { id, job } = parseCompatibility(await readJson(request))
      return { body: found(await system.compatibility(id, job), 'candidate', id) }
    },
  },
  {
    method: 'GET',
    path: /^\/api\/proposals\/([^/]+)\/?$/,
    async answer({ system, id }) {
      const number = parseId('proposal', id)
      return { body: found(await system.proposal(number), 'proposal', number) }
    },
  },
  {
    method: 'POST',
    path: /^\/api\/messages\/?$/,
    async answer({ system, request }) {
      const wanted = parseMessage(await readJson(request))
      const message = found(await system.message(wanted), 'candidate', wanted.candidate_id)
      if (message.to === null) {
        throw invalid(`channel: candidate ${wanted.candidate_id} has none for ${wanted.channel}`)
      }
      return { body: message }
    },
  },
  {
    method: 'GET',
    path: /^\/api\/me\/?$/,
    answer: async ({ request }) => ({ body: authenticate(request.headers.authorization) }),
  },
  {
    method: 'GET',
    path: /^\/api\/admin\/settings\/?$/,
    async answer({ system, request }) {
      requireAdmin(authenticate(request.headers.authorization))
      return { body: { business_units: await system.settings() } }
    },
  },
]

/** Answers a request under /api/, or throws the Refusal that both generations give. */
export const answerApi = async (system: Recruiting, request: IncomingMessage, url: URL) => {
  const here = routes.flatMap((route) => {
    const match = route.path.exec(url.pathname)
    return match ? [{ route, id: match[1] ?? '' }] : []
  })
  if (here.length === 0) throw notFound(`${url.pathname} does not exist`)
  const chosen = here.find(({ route }) => route.method === request.method)
  if (!chosen) {
    const allow = here.map(({ route }) => route.method).join(', ')
    throw new Refusal(405, 'method', `${url.pathname}: give ${allow}`, { allow })
  }
  return chosen.route.answer({ system, request, query: url.searchParams, id: chosen.id })
}
