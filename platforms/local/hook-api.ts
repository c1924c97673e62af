import { Away, errorOfAnswer, type Guarded, reasonOf } from '../hook-answer.ts'
import { Unavailable } from '../platform.ts'
import { readIfThere } from './durable-file.ts'
import { type Layout, portsOf } from './layout.ts'

/** The plan that the hook of this home guards; undefined before the first deployment. */
export function readGuarded(layout: Layout): Guarded | undefined {
  const text = readIfThere(layout.hook.plan)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Guarded
  } catch (error) {
    throw new Unavailable(
      `${layout.hook.plan} makes no sense: ${(error as Error).message}; next: pulumi up writes it anew`,
    )
  }
}

/** The hook's API on loopback, with the home's token. */
export class HookApi {
  readonly #layout: Layout
  constructor(layout: Layout) {
    this.#layout = layout
  }

  /**
   * Asks once.
   * @throws Away where there is no answer within `timeoutMs`; Refused where the hook refuses;
   *   Unavailable where it could not
   */
  async ask<T>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { body, timeoutMs = 15_000 }: { body?: unknown; timeoutMs?: number } = {},
  ): Promise<T> {
    const guarded = readGuarded(this.#layout)
    const token = readIfThere(this.#layout.hook.token)?.trim()
    if (!guarded || !token) {
      throw new Away(`there is no hook in ${this.#layout.home}; next: pulumi up`)
    }
    const url = `http://127.0.0.1:${portsOf(guarded.plan).hook}${path}`
    let status: number
    let answer: unknown
    try {
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          // Each on a connection of its own: a hook that was restarted has forgotten the old one.
          connection: 'close',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      status = response.status
      const text = await response.text()
      answer = text === '' ? undefined : JSON.parse(text)
    } catch (error) {
      throw new Away(
        `the hook does not answer on ${url} (${reasonOf(error, timeoutMs)}); next: sluice doctor, its log is in ${this.#layout.logs}/hook`,
      )
    }
    if (status >= 200 && status < 300) return answer as T
    throw errorOfAnswer(status, answer, `${method} ${path}`)
  }
}
