import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { findProgram } from '../tools/programs.ts'

/** What wrk counted; latencies in microseconds. */
export type WrkResult = z.output<typeof result>

const result = z.object({
  requests: z.number(),
  /** No connection, broken off, not sent, a status above 399, no answer in 2 s. */
  failed: z.object({
    connect: z.number(),
    read: z.number(),
    write: z.number(),
    status: z.number(),
    timeout: z.number(),
  }),
  p50: z.number(),
  p99: z.number(),
  max: z.number(),
  us: z.number(),
})

// A new user with each request: then each is a draw of its own, and the share is binomial.
const SCRIPT = `
function init()
  math.randomseed(tonumber(tostring({}):match("0x(%x+)"), 16) % 2147483647)
end
function request()
  return wrk.format("GET", "/", { ["x-user-id"] = tostring(math.random(2147483647)) })
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"us":%d,"p50":%d,"p99":%d,"max":%d,',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency.max))
  io.write(string.format(
    '"failed":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\\n',
    e.connect, e.read, e.write, e.status, e.timeout))
end
`

/**
 * Starts wrk on loopback.
 * @param seconds how long at most
 * @returns `stop` ends it early; `done` is what it counted
 */
export function startWrk(
  url: string,
  connections: number,
  seconds: number,
): { stop(): void; done: Promise<WrkResult> } {
  if (new URL(url).hostname !== '127.0.0.1') throw new Error(`wrk: ${url} is not on 127.0.0.1`)
  const folder = mkdtempSync(join(tmpdir(), 'sluice-wrk-'))
  const script = join(folder, 'users.lua')
  writeFileSync(script, SCRIPT)
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]
  const child = spawn(findProgram('wrk'), args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const done = new Promise<WrkResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      rmSync(folder, { recursive: true, force: true })
      const line = output.split('\n').find((text) => text.startsWith('RESULT '))
      if (!line) return reject(new Error(`wrk ended without a result: ${output}`))
      resolve(result.parse(JSON.parse(line.slice('RESULT '.length))))
    })
  })
  return { stop: () => child.kill('SIGINT'), done }
}

/** All that failed. */
export function failedOf({ failed }: WrkResult): number {
  return Object.values(failed).reduce((sum, number) => sum + number, 0)
}
