/** What a generation can lose: its answers are an empty shell, or what it should send is not sent. */
export const FUNCTIONS = [
  'data',
  'api',
  'authentication',
  'permissions',
  'integrations',
  'pages',
] as const
export type FunctionName = (typeof FUNCTIONS)[number]

/**
 * Shares of requests, 0–1, that each fault strikes; `slowMs` in milliseconds, `megabytes` held beside
 * what is needed. `lost-data` and its like, 0 or 1, take a function away; `unhealthy` fails /healthz.
 */
export type Faults = {
  errors: number
  slow: number
  slowMs: number
  hang: number
  wrong: number
  unhealthy: number
  megabytes: number
} & Record<`lost-${FunctionName}`, number>

/** What happens to one request. */
export type Fate = { hang: boolean; delayMs: number; error: boolean; wrong: boolean }

const functions = (value: number) =>
  Object.fromEntries(FUNCTIONS.map((name) => [`lost-${name}`, value])) as Record<
    `lost-${FunctionName}`,
    number
  >

export const noFaults: Faults = {
  errors: 0,
  slow: 0,
  slowMs: 400,
  hang: 0,
  wrong: 0,
  unhealthy: 0,
  megabytes: 0,
  ...functions(0),
}

const highest: Faults = {
  errors: 1,
  slow: 1,
  slowMs: 60_000,
  hang: 1,
  wrong: 1,
  unhealthy: 1,
  megabytes: 2_000,
  ...functions(1),
}

/** Faults from a request's body; what is not named is off. A string says what is wrong with it. */
export const parseFaults = (body: unknown): Faults | string => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return 'faults: give an object such as {"errors": 0.2}'
  }
  const faults = { ...noFaults }
  for (const [name, value] of Object.entries(body)) {
    if (!Object.hasOwn(highest, name)) {
      return `faults.${name}: unknown; give ${Object.keys(highest).join(', ')}`
    }
    const most = highest[name as keyof Faults]
    if (typeof value !== 'number' || !(value >= 0 && value <= most)) {
      return `faults.${name}: ${JSON.stringify(value)} is not a number from 0 to ${most}`
    }
    faults[name as keyof Faults] = value
  }
  return faults
}

/** Draws one request's fate; each fault strikes independently of the others. */
export const drawFate = (faults: Faults, random: () => number = Math.random): Fate => ({
  hang: random() < faults.hang,
  delayMs: random() < faults.slow ? faults.slowMs : 0,
  error: random() < faults.errors,
  wrong: random() < faults.wrong,
})

/** Spoils a score so that it always differs and still looks like one; other bodies stay. */
export const corrupt = (body: object): object =>
  'score' in body && typeof body.score === 'number'
    ? { ...body, score: (body.score + 7) % 101 }
    : body

/** The function that answers a path; what is refused is the API's own. */
export const functionOf = (path: string): FunctionName | undefined => {
  if (path.startsWith('/api/candidates')) return 'data'
  if (path.startsWith('/api/me/') || path === '/api/me') return 'authentication'
  if (path.startsWith('/api/admin/')) return 'permissions'
  if (path.startsWith('/api/messages')) return 'integrations'
  return path === '/dashboard/' ? 'pages' : undefined
}
