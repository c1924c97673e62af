import { z } from 'zod'
import { parameterNames } from '../../platforms/aws/layout.ts'
import { VersionedParameter } from '../../platforms/aws/versions.ts'
import type { LambdaParts } from './hook.ts'

const judging = z.object({
  id: z.string(),
  state: z.enum(['asked', 'begun', 'done']),
  until: z.string(),
  guardrails: z.record(z.string(), z.string()),
})

/** Which call of the function judges gates, so that one does at a time. */
export interface Judging {
  /** What the call was given; one with another is late or comes again, and judges nothing. */
  id: string
  state: 'asked' | 'begun' | 'done'
  /** ISO 8601; from then on it is judged by nobody, whatever is said. */
  until: string
  /** When each guardrail that is a gate was judged last, ISO 8601. */
  guardrails: Record<string, string>
}

/** The record of who judges, written as compare-and-set. */
export class JudgingRecord {
  readonly #parameter: VersionedParameter
  #version = 0
  #turn: Promise<unknown> = Promise.resolve()
  constructor({ clients, reference }: Pick<LambdaParts, 'clients' | 'reference'>) {
    const { judging: path } = parameterNames(reference.name)
    this.#parameter = new VersionedParameter(clients.parameters, path)
  }

  /** What stands; undefined where nobody has judged yet. One that makes no sense is none. */
  async read(): Promise<Judging | undefined> {
    const found = await this.#parameter.read()
    this.#version = found?.version ?? 0
    if (!found) return undefined
    try {
      return judging.parse(JSON.parse(found.text))
    } catch {
      return undefined
    }
  }

  /**
   * Writes after what was read or written here last; one write after the other.
   * @returns false where another call was first
   */
  write(next: Judging): Promise<boolean> {
    const text = JSON.stringify(next)
    const turn = this.#turn.then(() => this.#write(text))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #write(text: string): Promise<boolean> {
    if (!(await this.#parameter.write(text, this.#version))) return false
    this.#version++
    await this.#parameter.prune().catch(() => {})
    return true
  }
}

/** True while a call judges, or has been asked to. */
export function isJudging(record: Judging | undefined, now: Date): boolean {
  return record !== undefined && record.state !== 'done' && now < new Date(record.until)
}
