// The users of the demo: a steady load, and what they saw.
import { type Load, startLoad } from '../../examples/load.ts'

/** What users saw over a span. */
export interface Seen {
  blue: number
  green: number
  failed: number
}

/** Users at a steady rate, from now on. */
export class Audience {
  #load: Load | undefined
  #seen: Seen = { blue: 0, green: 0, failed: 0 }
  #firstBad: number | undefined
  #lastGreen = 0

  /** @param rate requests a second */
  start(url: string, rate: number): void {
    this.#load = startLoad({
      url,
      rate,
      seconds: 3_600,
      paths: ['/api/candidates', '/api/ml/analyze/1/', '/api/ml/analyze/221/'],
      onAnswer: ({ at, version, reason }) => {
        if (version === 'v2') {
          this.#seen.green += 1
          this.#lastGreen = at
        } else this.#seen.blue += 1
        if (reason === undefined) return
        this.#seen.failed += 1
        this.#firstBad ??= at
      },
    })
  }

  /** What was seen so far. */
  seen(): Seen {
    return { ...this.#seen }
  }

  /** Forgets the bad answers so far, so that the next one is the first. */
  expectFault(): void {
    this.#firstBad = undefined
  }

  /** From the first bad answer to the last one that green gave, ms; undefined before one. */
  exposureMs(): number | undefined {
    return this.#firstBad === undefined ? undefined : Math.max(0, this.#lastGreen - this.#firstBad)
  }

  async stop(): Promise<void> {
    await this.#load?.stop()
  }
}

/** What was seen between two moments. */
export function between(before: Seen, after: Seen): Seen {
  return {
    blue: after.blue - before.blue,
    green: after.green - before.green,
    failed: after.failed - before.failed,
  }
}

/** `5.1 % of 1432 requests were green's, 0 failed` */
export function describeSeen({ blue, green, failed }: Seen): string {
  const all = blue + green
  const share = all === 0 ? '-' : ((100 * green) / all).toFixed(1)
  return `${all} requests, ${share} % answered by green, ${failed} failed`
}
