// Child processes of the set-up: arguments in a list, never a shell; none outlives the set-up.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

const running = new Set<ChildProcess>()

/** What is known of a child that has ended. */
export type Ended = { code: number; output: string }

/** Runs a program to its end; `onLine` sees each line of its output. A missing program is code 127. */
export function runChild(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; onLine?: (line: string) => void } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    let output = ''
    let rest = ''
    const take = (data: Buffer) => {
      output += data
      const lines = (rest + data).split('\n')
      rest = lines.pop() ?? ''
      if (options.onLine) lines.forEach(options.onLine)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('error', (error) => {
      output += error.message
    })
    child.once('close', (code) => {
      running.delete(child)
      resolve({ code: code ?? (child.pid ? 1 : 127), output })
    })
  })
}

/** What a program prints about its version; empty when it cannot be started. */
export function printedBy(file: string, args: string[]): string {
  const { error, stdout, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    timeout: 10_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return error ? '' : `${stdout}${stderr}`
}

/** Ends with the children when the set-up itself is asked to end. */
export function endWithChildren(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      for (const child of running) child.kill(signal)
      process.exit(code)
    })
  }
}

/** The last lines of an output, for a message about what went wrong. */
export function lastLines(output: string, count = 12): string {
  const lines = output.trimEnd().split('\n').slice(-count)
  return lines.map((line) => `    ${line}`).join('\n')
}
