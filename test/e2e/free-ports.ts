import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file a port, with the process that has it: whoever asks next, in any process, gets another. */
const FOLDER = join(tmpdir(), `sluice-ports-${process.getuid?.()}`)
/** Below those that systems give out by themselves. */
const [FIRST, LAST] = [12_000, 32_000]

const mine = new Set<string>()
process.once('exit', () => {
  for (const file of mine) rmSync(file, { force: true })
})
let swept = false

/**
 * A port on loopback that is free together with the ones right after it, and this process's until it
 * ends: what is begun on it may take minutes to listen.
 * @param count how many in a row
 */
export async function freePorts(count: number): Promise<number> {
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 })
  if (!swept) sweep()
  for (let attempt = 0; attempt < 500; attempt++) {
    const first = FIRST + Math.floor(Math.random() * (LAST - FIRST - count))
    const ports = Array.from({ length: count }, (_, offset) => first + offset)
    const taken = ports.filter(take)
    const free = taken.length === count && (await Promise.all(ports.map(isFree))).every(Boolean)
    if (free) return first
    for (const port of taken) letGo(port)
  }
  throw new Error(`no ${count} free ports in a row on 127.0.0.1`)
}

/** True where nobody listens now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** What processes left that were killed. */
function sweep(): void {
  swept = true
  for (const name of readdirSync(FOLDER)) {
    const file = join(FOLDER, name)
    // One without a number is just being written.
    if (holderOf(file) > 0 && !isHeld(file)) rmSync(file, { force: true })
  }
}

const fileOf = (port: number) => join(FOLDER, String(port))

function take(port: number): boolean {
  const file = fileOf(port)
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
  } catch {
    if (isHeld(file)) return false
    // Its process is gone. Where two find that at once, who writes last sees its own number.
    writeFileSync(file, String(process.pid))
    if (holderOf(file) !== process.pid) return false
  }
  mine.add(file)
  return true
}

function letGo(port: number): void {
  mine.delete(fileOf(port))
  rmSync(fileOf(port), { force: true })
}

function isHeld(file: string): boolean {
  const pid = holderOf(file)
  if (!pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function holderOf(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return 0
  }
}
