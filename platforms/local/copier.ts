import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import type { ColourName } from '../../rollout/plan.ts'
import { CopyQueue, neverSent, send } from './copier-queue.ts'
import { Spool, type Write } from './copier-spool.ts'
import type { CopierPlaces } from './layout.ts'

/*
 * Between the router and the colours of a dual-write service, for the methods that write: the
 * colour that the weight chose answers, and the other one gets a copy. Run by the supervisor as
 * `node copier.ts <settings as JSON>`.
 */

/** What a copier is told. */
export interface CopierSettings extends CopierPlaces {
  service: string
  /** The colours' addresses. */
  blue: string
  green: string
  /** The UDP port on loopback that hears how much was copied. */
  log: number
}

/** A larger write goes through, and is not copied. */
const MOST_BODY_BYTES = 8 * 1024 * 1024
/** The list of what was not copied begins anew here; one older list is kept. */
const MOST_FAILED_BYTES = 10_000_000
const TELL_MS = 500
/** The router gives up long before; the colour may still do what it was asked. */
const ANSWER_MS = 60_000
/** Meant for one connection; the copier has two. */
const HOP = new Set(
  'connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect content-length'.split(
    ' ',
  ),
)

/** Starts a copier; `stop` ends it once every write under way is answered. */
export async function startCopier(settings: CopierSettings): Promise<{ stop(): Promise<void> }> {
  const { service, socket, log } = settings
  const counts = { ok: 0, failed: 0 }
  const { spool, owed } = Spool.open(settings.spool)
  // A disk that is full must not keep a write from its colour; its copy is then tried once.
  const tried = (record: () => void) => {
    try {
      record()
    } catch (error) {
      console.error(`${service}: what is owed cannot be recorded: ${(error as Error).message}`)
    }
  }
  const end = (write: Write) => tried(() => spool.end(write.id))
  const failed = (write: Write, why: string) => {
    counts.failed++
    tried(() => noteFailure(settings.failed, write, why))
    end(write)
  }
  const ends = {
    done: (write: Write) => {
      counts.ok++
      end(write)
    },
    failed,
  }
  const queues: Record<ColourName, CopyQueue> = {
    blue: new CopyQueue(settings.blue, ends),
    green: new CopyQueue(settings.green, ends),
  }
  for (const write of owed.unknown) {
    failed(write, 'the copier ended before an answer came, so nobody knows who has it')
  }
  for (const write of owed.answered) queues[write.to].add(write)

  const server = createServer((request, response) => {
    if (request.headers['x-sluice-check'] === 'copier') {
      response.end()
      return
    }
    void pass(request, response).catch((error: Error) => {
      console.error(`${service}: ${error.message}`)
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    })
  })

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wanted: ColourName = request.headers['x-sluice-color'] === 'green' ? 'green' : 'blue'
    const to: ColourName = wanted === 'green' ? 'blue' : 'green'
    const { chunks, whole } = await bodyOf(request)
    const body = Buffer.concat(chunks)
    const write: Write = {
      id: randomUUID(),
      at: new Date().toISOString(),
      to,
      method: request.method ?? 'POST',
      path: request.url ?? '/',
      headers: [
        ...endToEnd(request.rawHeaders),
        ...(whole ? [['content-length', String(body.length)] as [string, string]] : []),
      ],
      body: whole ? body.toString('base64') : '',
    }
    tried(() => spool.begin(write))
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = send(settings[wanted], write, {}, resolve)
      outgoing.setTimeout(ANSWER_MS, () => outgoing.destroy(new Error('no answer in time')))
      outgoing.on('error', reject)
      outgoing.write(body)
      if (whole) outgoing.end()
      else request.pipe(outgoing)
    })
    const answered = await answer.catch((error: Error) => {
      if (neverSent(error)) end(write)
      else failed(write, `${wanted} broke off, so nobody knows who has it: ${error.message}`)
      throw new Error(`${wanted} does not answer: ${error.message}`)
    })
    const status = answered.statusCode ?? 502
    // What did not take effect here is not to take effect there.
    if (status >= 400) end(write)
    else if (!whole) failed(write, `its body is larger than ${MOST_BODY_BYTES} bytes`)
    else {
      await spool.answered(write.id).catch((error: Error) => tried(() => raise(error)))
      queues[to].add(write)
    }
    // A user who is gone already has done the write all the same.
    response.on('error', () => {})
    answered.on('error', () => response.destroy())
    response.writeHead(status, endToEnd(answered.rawHeaders, 'content-length').flat())
    answered.pipe(response)
  }

  const teller = createSocket('udp4')
  teller.on('error', () => {})
  const tell = () =>
    teller.send(`sluice-copies ${service} ${counts.ok} ${counts.failed}\n`, log, '127.0.0.1')
  const telling = setInterval(tell, TELL_MS)
  server.keepAliveTimeout = 0
  fs.mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
  fs.rmSync(socket, { force: true })
  server.listen(socket)
  await once(server, 'listening')
  return {
    stop: async () => {
      clearInterval(telling)
      const closed = once(server, 'close')
      server.close()
      const closing = setInterval(() => server.closeIdleConnections(), 20)
      await closed
      clearInterval(closing)
      for (const queue of Object.values(queues)) queue.stop()
      tell()
      await new Promise<void>((resolve) => teller.close(() => resolve()))
    },
  }
}

/** Reads a body whole, or its beginning where it is too large. */
async function bodyOf(request: IncomingMessage): Promise<{ chunks: Buffer[]; whole: boolean }> {
  const chunks: Buffer[] = []
  let bytes = 0
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes <= MOST_BODY_BYTES) return
      request.pause()
      request.off('data', onData)
      resolve({ chunks, whole: false })
    }
    request.on('data', onData)
    request.on('end', () => resolve({ chunks, whole: true }))
    request.on('error', reject)
    request.on('close', () => reject(new Error('the user left before the request was whole')))
  })
}

function endToEnd(raw: readonly string[], keep = ''): [string, string][] {
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [name, value] = [raw[index] as string, raw[index + 1] as string]
    const key = name.toLowerCase()
    if (!HOP.has(key) || key === keep) pairs.push([name, value])
  }
  return pairs
}

/** For people, who alone can know what is to be done: the write whole, and why it was not copied. */
function noteFailure(path: string, write: Write, why: string): void {
  if ((fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MOST_FAILED_BYTES) {
    fs.renameSync(path, `${path}.1`)
  }
  fs.appendFileSync(path, `${JSON.stringify({ why, ...write })}\n`, { mode: 0o600 })
  console.error(`not copied to ${write.to}: ${write.method} ${write.path}: ${why}`)
}

function raise(error: Error): never {
  throw error
}

if (import.meta.main) {
  const copier = await startCopier(JSON.parse(process.argv[2] ?? '{}') as CopierSettings)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void copier.stop().then(() => process.exit(0)))
  }
}
