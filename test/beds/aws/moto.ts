import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ensureEntry, entryName } from '../../../tools/cache.ts'
import { lastLines, printedBy, runChild } from '../../../tools/child.ts'
import { type Say, withProgress } from '../../../tools/progress.ts'
import { atLeast, parseVersion } from '../../../tools/versions.ts'

/** The simulator of AWS' APIs that the bed runs on; facts that the tests rest on are of this one. */
const PACKAGE = 'moto[server]==5.2.1'
/** Raised when the recipe of the entry changes. */
const RECIPE = 1
const LEAST_PYTHON = '3.10'

/** A part of the API that answers with an error, the first `times` calls or until faults are set anew. */
export interface ApiFault {
  /** As it stands in signatures, such as `elasticloadbalancing`, `ssm`, `monitoring`, `rds`. */
  service: string
  /** Default every action. */
  action?: string
  code: string
  status: number
  times?: number
}

/** A call that somebody made, by the access key that signed it. */
export interface ApiCall {
  service: string
  action: string
  key: string
  status: number
  /** What it is about: the fields of a form, or `Name`, `Names` and `Path` of JSON; else nothing. */
  asked: Record<string, string | string[]>
}

export interface Moto {
  /** For AWS_ENDPOINT_URL. */
  endpoint: string
  setFaults(faults: ApiFault[]): Promise<void>
  calls(): Promise<ApiCall[]>
  forgetCalls(): Promise<void>
  stop(): Promise<void>
}

/** Where moto's virtual environment is; made once, in the cache that all checkouts share. */
export async function ensureMoto(say: Say = toStderr): Promise<string> {
  const python = parseVersion(printedBy('python3', ['--version']))
  if (python === undefined || !atLeast(python, LEAST_PYTHON)) {
    throw new Error(
      `The AWS tests run on moto, which needs Python ${LEAST_PYTHON} or newer as \`python3\`; ` +
        `found: ${python ?? 'none'}.\nInstall python3 with its venv module, then run the tests again.`,
    )
  }
  return ensureEntry(
    entryName('moto', `${RECIPE}`, PACKAGE, python, process.arch),
    async (directory) => {
      const run = async (what: string, command: string, args: string[]) => {
        const { code, output } = await runChild(command, args)
        if (code === 0) return
        throw new Error(
          `${what} failed (exit ${code}):\n${lastLines(output)}\n` +
            'Is the Python package index reachable, and is the venv module installed? Then run the tests again.',
        )
      }
      await withProgress(
        say,
        `installing ${PACKAGE} into a virtual environment, about a minute`,
        (elapsed) => `still installing, ${elapsed}`,
        async () => {
          await run('python3 -m venv', 'python3', ['-m', 'venv', directory])
          const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PACKAGE]
          await run(`pip install ${PACKAGE}`, join(directory, 'bin', 'python'), pip)
        },
      )
      return { package: PACKAGE, python }
    },
    { say },
  )
}

/** Starts moto on a free port of loopback; it ends with `stop`, or with this process. */
export async function startMoto(): Promise<Moto> {
  const python = join(await ensureMoto(), 'bin', 'python')
  const program = join(import.meta.dirname, 'moto-with-additions.py')
  const child = spawn(python, [program], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-4_000)
  })
  const port = await firstLine(child).catch((error) => {
    throw new Error(`moto did not start: ${error.message}\n${lastLines(said)}`)
  })
  child.stdout.resume()
  const endpoint = `http://127.0.0.1:${port}`
  const control = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${endpoint}/bed/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`the bed answered ${response.status} to ${method} ${path}`)
    return response.json()
  }
  return {
    endpoint,
    setFaults: async (faults) => void (await control('PUT', 'faults', faults)),
    calls: () => control('GET', 'calls') as Promise<ApiCall[]>,
    forgetCalls: async () => void (await control('DELETE', 'calls')),
    stop: async () => {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.stdin.end()
      const killer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(killer)
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`it ended with exit ${code}`)
  })
  const failed = once(child, 'error').then(([error]) => {
    throw error
  })
  const [line] = await Promise.race([once(lines, 'line'), ended, failed])
  lines.close()
  return String(line)
}

function toStderr(line: string): void {
  process.stderr.write(`  moto: ${line}\n`)
}
