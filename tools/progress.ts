// What the set-up tells its user: one line an item, and a sign of life where an item takes long.

/** Where an item's lines go. */
export type Say = (line: string) => void

/** How often a long piece of work says that it goes on. */
const EVERY_MS = 15_000

/** A time as people write it: 850 ms, 12 s, 3 min 8 s. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  return seconds % 60 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${seconds / 60} min`
}

/** Does a long piece of work, saying every 15 seconds how far it is. */
export async function withProgress<T>(
  say: Say,
  start: string,
  far: (elapsed: string) => string,
  work: () => Promise<T>,
): Promise<T> {
  const since = performance.now()
  say(start)
  const timer = setInterval(() => say(far(duration(performance.now() - since))), EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
