import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { findProgram } from '../../tools/programs.ts'

const run = promisify(execFile)
const nobody = 65534

// PostgreSQL refuses to run as root.
const unprivileged = (command: string[]) =>
  process.getuid?.() === 0
    ? [
        'setpriv',
        `--reuid=${nobody}`,
        `--regid=${nobody}`,
        '--clear-groups',
        '--pdeathsig=INT',
        ...command,
      ]
    : command

/** A PostgreSQL of the test's own, on a unix socket only. */
export class Cluster {
  #folder: string
  #server: ChildProcess | undefined

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async create() {
    const folder = await mkdtemp(join(tmpdir(), 'huntred-'))
    await chmod(folder, 0o755)
    const data = join(folder, 'data')
    await mkdir(data, 0o700)
    if (process.getuid?.() === 0) {
      await chown(data, nobody, nobody)
      await chown(folder, nobody, nobody)
    }
    const initdb = findProgram('initdb')
    const options = ['-U', 'postgres', '-A', 'trust', '--no-locale', '-E', 'UTF8', '--no-sync']
    const [program, ...args] = unprivileged([initdb, '-D', data, ...options])
    await run(program!, args, { cwd: folder })
    return new Cluster(folder)
  }

  get url() {
    return `postgres://postgres@/postgres?host=${encodeURIComponent(this.#folder)}`
  }

  /** Starts the server and waits until it answers, at most ten seconds. */
  async start() {
    const settings = ['listen_addresses=', `unix_socket_directories=${this.#folder}`, 'fsync=off']
    const [program, ...args] = unprivileged([
      findProgram('postgres'),
      '-D',
      join(this.#folder, 'data'),
      ...settings.flatMap((each) => ['-c', each]),
    ])
    this.#server = spawn(program!, args, { cwd: this.#folder, stdio: 'ignore' })
    for (let tries = 0; tries < 200; tries += 1) {
      const client = new pg.Client(this.url)
      try {
        await client.connect()
        await client.end()
        return
      } catch {
        await sleep(50)
      }
    }
    throw new Error('postgres: no answer within ten seconds')
  }

  /** Ends the server at once, as its clients see it; their sessions are cut. */
  async stop() {
    const server = this.#server
    if (!server || server.exitCode !== null) return
    this.#server = undefined
    const exit = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGINT')
    await exit
  }

  async remove() {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
