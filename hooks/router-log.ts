import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { ColourName } from '../rollout/plan.ts'

/** One request that the router has finished. */
export interface Answer {
  kind: 'answer'
  service: string
  /** The colour that the weight chose. */
  wanted: ColourName
  /** The server that answered; undefined where none did. */
  server?: string
  /** The status; undefined where no answer came. */
  status?: number
  /** ms until the server's headers came; undefined where they did not. */
  waitMs?: number
  /** ms from the first byte of the request to the last of the answer. */
  totalMs?: number
  /** HAProxy's two or more characters; `--` is a normal end. */
  termination: string
  /** True where the server said that blue gave the answer. */
  fallback: boolean
}

/** A server that the router's own checks found up or down. */
export interface ServerChange {
  kind: 'server'
  service: string
  colour: ColourName
  up: boolean
  /** HAProxy's reason; empty where it gave none. */
  reason: string
}

/** What the copier of a dual-write service has copied since it started. */
export interface Copies {
  kind: 'copies'
  service: string
  ok: number
  failed: number
}

export type RouterLine = Answer | ServerChange | Copies

/** What an answer says about a colour. */
export interface Sample {
  service: string
  colour: ColourName
  bad: boolean
  /** True where green got its answer from blue: it is neither good nor bad, and no evidence. */
  fallback: boolean
  /** Seconds until the server answered; undefined where no answer came. */
  seconds?: number
}

const ANSWER =
  /(?:^|\s)sluice ([a-z][a-z0-9-]{0,39}) (blue|green) ([A-Za-z0-9_.-]{1,80}) (-?\d{1,6}) (-?\d{1,12}) (-?\d{1,12}) ([A-Za-z-]{2,6})(?: ([01-]))?\s*$/

/** Of a copier, on the same socket. */
const COPIES = /^sluice-copies ([a-z][a-z0-9-]{0,39}) (\d{1,15}) (\d{1,15})\s*$/

const SERVER =
  /(?:^|\s)Server ([a-z][a-z0-9-]{0,39})_(?:blue|green)\/(blue|green) is (UP|DOWN)\b(?:, reason: (.{0,300}?)(?:, check duration|\.? \d+ active|$))?/

/**
 * Reads one line of the router's log.
 * @returns undefined for every line that is neither an answer nor a change of a colour's server
 */
export function parseRouterLine(text: string): RouterLine | undefined {
  const answer = ANSWER.exec(text)
  if (answer) {
    const [, service, wanted, server, status, wait, total, termination, fallback] = answer
    return {
      kind: 'answer',
      service: service as string,
      wanted: wanted as ColourName,
      server: server === '-' || server === '<NOSRV>' ? undefined : server,
      status: natural(status),
      waitMs: natural(wait),
      totalMs: natural(total),
      termination: termination as string,
      fallback: fallback === '1',
    }
  }
  const copies = COPIES.exec(text)
  if (copies) {
    const [, service, ok, failed] = copies
    return { kind: 'copies', service: service as string, ok: Number(ok), failed: Number(failed) }
  }
  const change = SERVER.exec(text)
  if (!change) return undefined
  const [, service, colour, state, reason = ''] = change
  // The blue server stands in its own backend and, as a backup, in green's under another name.
  return {
    kind: 'server',
    service: service as string,
    colour: colour as ColourName,
    up: state === 'UP',
    reason: reason.trim(),
  }
}

/**
 * What an answer says about which colour. Bad is a 5xx, an answer that the server broke off or
 * never gave, and one that blue gave as green's backup: that one hides green's failure from users.
 * @returns undefined where it says nothing: the client left, or the router itself refused
 */
export function sampleOf(answer: Answer): Sample | undefined {
  const { service, server, status, waitMs, termination } = answer
  const colour = colourOf(answer)
  const seconds = waitMs === undefined ? undefined : waitMs / 1_000
  const end = termination[0]
  const broken = end === 'S' || end === 's' || end === 'D'
  // A copier that was killed under a write is no failure of the colour behind it.
  if (broken && server?.startsWith('copier_')) return undefined
  const serverFault = status !== undefined && status >= 500
  if (serverFault) return { service, colour, bad: true, fallback: false, seconds }
  if (status === undefined) {
    if (end === 'C' || end === 'c') return undefined
    return { service, colour, bad: true, fallback: false }
  }
  if (server === undefined) return undefined
  const bad = broken || server === 'blue_backup'
  return { service, colour, bad, fallback: !bad && answer.fallback && colour === 'green', seconds }
}

/** True for a write of a dual-write service that went past its copier, which was down. */
export function isUncopied({ server }: Answer): boolean {
  return server?.startsWith('uncopied_') ?? false
}

function colourOf({ wanted, server }: Answer): ColourName {
  const named = /^(?:un)?copie[rd]_(blue|green)$/.exec(server ?? '')?.[1]
  if (named) return named as ColourName
  // Without the guard the router sends to blue what the weight gave to green; blue answered then.
  return wanted === 'green' && server === 'blue' ? 'blue' : wanted
}

function natural(text: string | undefined): number | undefined {
  const number = Number(text)
  return Number.isInteger(number) && number >= 0 ? number : undefined
}

/**
 * Listens for the router's log lines on loopback.
 * @param port 0 for any
 * @param onLine must not throw
 */
export async function listenForLog(
  port: number,
  onLine: (line: RouterLine) => void,
): Promise<Socket> {
  // While the process is stopped, or works on something else, the kernel keeps the lines.
  const socket = createSocket({ type: 'udp4', recvBufferSize: 8 * 1024 * 1024 })
  socket.on('message', (message) => {
    for (const text of message.toString('latin1').split('\n')) {
      const line = text === '' ? undefined : parseRouterLine(text)
      if (line) onLine(line)
    }
  })
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}
