import type { RolloutEvent } from '../platforms/store.ts'
import { audienceOf, severityOf } from '../rollout/news.ts'
import type { Plan, Severity } from '../rollout/plan.ts'
import { pause } from './pause.ts'

const TIMEOUT_MS = 5_000
const QUEUE = 100
const RETRIES_AFTER_MS = [1_000, 4_000, 16_000]

export interface NotifierStatus {
  pending: number
  failed: number
  /** Names the channel; never its address, which is a secret. */
  lastError?: string
}

interface Channel {
  name: string
  kind: 'webhook' | 'slack'
  variable: string
}

interface Message {
  rollout: string
  level: Severity
  event: RolloutEvent
}

/** Tells people. Nothing ever waits for it; a channel that hangs delays no other one. */
export class Notifier {
  readonly #queues = new Map<string, Message[]>()
  readonly #stopped = new AbortController()
  readonly #retriesAfterMs: readonly number[]
  #sending = 0
  #failed = 0
  #lastError: string | undefined
  readonly #addressOf: (variable: string) => string | undefined
  readonly #working = new Set<Promise<void>>()

  /**
   * @param retriesAfterMs the pauses between two attempts; after the last one a message has failed
   * @param addressOf what a variable holds; default in the environment of this process
   */
  constructor(
    retriesAfterMs: readonly number[] = RETRIES_AFTER_MS,
    addressOf = (variable: string) => process.env[variable],
  ) {
    this.#retriesAfterMs = retriesAfterMs
    this.#addressOf = addressOf
  }

  status(): NotifierStatus {
    const waiting = [...this.#queues.values()].reduce((sum, queue) => sum + queue.length, 0)
    return { pending: waiting + this.#sending, failed: this.#failed, lastError: this.#lastError }
  }

  /** Sends an event to those channels of the plan that are told of it. */
  tell(plan: Plan, event: RolloutEvent): void {
    const audience = audienceOf(plan, event)
    if (audience.length === 0) return
    const message = { rollout: plan.name, level: severityOf(plan, event), event }
    for (const channel of channelsOf(plan)) {
      if (!audience.includes(channel.name)) continue
      const key = `${channel.kind} ${channel.variable}`
      const queue = this.#queues.get(key)
      if (!queue) {
        const begun = [message]
        this.#queues.set(key, begun)
        const working = this.#work(key, channel, begun)
        this.#working.add(working)
        void working.finally(() => this.#working.delete(working))
        continue
      }
      queue.push(message)
      if (queue.length > QUEUE) {
        queue.splice(leastImportant(queue), 1)
        this.#fail(channel, `more than ${QUEUE} messages waited, one is dropped`)
      }
    }
  }

  /** Resolves when everything has been told, or has failed to be. */
  async settled(): Promise<void> {
    await Promise.all(this.#working)
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #work(key: string, channel: Channel, queue: Message[]): Promise<void> {
    for (let message = queue.shift(); message; message = queue.shift()) {
      this.#sending++
      await this.#deliver(channel, message)
      this.#sending--
      if (this.#stopped.signal.aborted) break
    }
    this.#queues.delete(key)
  }

  async #deliver(channel: Channel, message: Message): Promise<void> {
    for (const wait of [...this.#retriesAfterMs, undefined]) {
      const address = this.#addressOf(channel.variable)
      const failure = await send(channel, address, message, this.#stopped.signal)
      if (failure === undefined || this.#stopped.signal.aborted) return
      this.#lastError = `${channel.name}: ${failure}`
      if (wait === undefined) break
      await pause(wait, this.#stopped.signal)
    }
    this.#fail(channel, this.#lastError?.slice(channel.name.length + 2) ?? 'not delivered')
  }

  #fail(channel: Channel, reason: string): void {
    this.#failed++
    this.#lastError = `${channel.name}: ${reason}`
  }
}

function channelsOf(plan: Plan): Channel[] {
  return Object.entries(plan.notify).flatMap(([name, channel]) =>
    (['webhook', 'slack'] as const).flatMap((kind) => {
      const value = channel[kind]
      return value ? [{ name, kind, variable: value.slice('env:'.length) }] : []
    }),
  )
}

function leastImportant(queue: Message[]): number {
  return Math.max(
    0,
    queue.findIndex(({ event }) => event.severity !== 'critical'),
  )
}

async function send(
  { kind, variable }: Channel,
  address: string | undefined,
  { rollout, level, event }: Message,
  stopped: AbortSignal,
): Promise<string | undefined> {
  if (!address) return `${variable} is not set in the environment of the hook`
  const text = `${rollout} [${level}]: ${event.message}`
  const late = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(address, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(kind === 'slack' ? { text } : { rollout, text, level, ...event }),
      signal: AbortSignal.any([late, stopped]),
    })
    await response.body?.cancel()
    return response.ok ? undefined : `status ${response.status}`
  } catch (error) {
    // The message of an invalid address would show it.
    const code = (error as { cause?: { code?: string } }).cause?.code
    return late.aborted
      ? `no answer in ${TIMEOUT_MS / 1_000}s`
      : `not reached${code ? `, ${code}` : ''}`
  }
}
