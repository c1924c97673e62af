/** Shares of requests, 0–1, that each fault strikes; `slowMs` in milliseconds. */
export type Faults = {
  errors: number
  slow: number
  slowMs: number
  hang: number
  wrong: number
}

/** What happens to one request. */
export type Fate = { hang: boolean; delayMs: number; error: boolean; wrong: boolean }

export const noFaults: Faults = { errors: 0, slow: 0, slowMs: 400, hang: 0, wrong: 0 }

const highest: Faults = { errors: 1, slow: 1, slowMs: 60_000, hang: 1, wrong: 1 }

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
