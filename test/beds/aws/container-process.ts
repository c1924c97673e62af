import { spawn } from 'node:child_process'
import { delimiter, dirname } from 'node:path'

/** What stands for a container: a process. */
export interface ContainerProcess {
  address: string
  readonly ended: boolean
  /** How it ended; the code is null where it never began. */
  over: Promise<{ code: number | null; reason?: string }>
  /** Asks it to end, and kills it where it does not within two seconds. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

const GRACE_MS = 2_000

/**
 * Starts a command as a container would run it: no shell, and nothing in its environment but what it is
 * given and a PATH that has node.
 */
export function startContainer({
  command: [program = '', ...args],
  cwd,
  address,
  environment,
}: {
  command: string[]
  cwd: string
  address: string
  environment: Record<string, string>
}): ContainerProcess {
  const child = spawn(program, args, {
    cwd,
    stdio: 'ignore',
    env: {
      PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      ...environment,
      // Where a container listens on all of its addresses, this one has its one on loopback.
      HOST: address,
    },
  })
  let ended = false
  const over = new Promise<{ code: number | null; reason?: string }>((resolve) => {
    child.once('error', (error) => resolve({ code: null, reason: error.message }))
    child.once('exit', (code) => resolve({ code: code ?? 137 }))
  }).finally(() => {
    ended = true
  })
  return {
    address,
    get ended() {
      return ended
    },
    over,
    end: async (signal) => {
      if (ended) return
      child.kill(signal)
      const killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
      await over
      clearTimeout(killer)
    },
  }
}
