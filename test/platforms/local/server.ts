import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { databaseUrl, type Layout, layoutOf } from '../../../platforms/local/layout.ts'
import {
  ensureCluster,
  ensureDatabases,
  postgresService,
  waitReady,
} from '../../../platforms/local/postgres.ts'

/** How long after its end a server is started again. */
const AGAIN_MS = 200

/** A PostgreSQL server in a home of the test's own, started as the supervisor would. */
export class Server {
  readonly layout: Layout
  #process: ChildProcess | undefined

  private constructor(home: string) {
    this.layout = layoutOf(home)
  }

  static async start(databases: string[]): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), 'sluice-database-')))
    await chmod(server.layout.home, 0o711)
    await ensureCluster(server.layout)
    server.up()
    await ensureDatabases(server.layout, databases)
    return server
  }

  /** What a second update does to a server that stands. */
  async again(databases: string[]): Promise<void> {
    await ensureCluster(this.layout)
    await ensureDatabases(this.layout, databases)
  }

  async socketMode(): Promise<number> {
    return (await stat(this.layout.postgres.socketFolder)).mode & 0o777
  }

  /** Starts the server, and again when it ends by itself: what its supervisor does. */
  up(): void {
    const { command, cwd, environment } = postgresService(this.layout)
    const asRoot = process.getuid?.() === 0
    const child = spawn(command[0] as string, command.slice(1), {
      cwd,
      env: { ...process.env, ...environment },
      stdio: 'ignore',
      ...(asRoot ? { uid: 65534, gid: 65534 } : {}),
    })
    this.#process = child
    const isWanted = () => this.#process === child
    // While a session of the one before is still ending, PostgreSQL refuses to start.
    child.once('exit', () => setTimeout(() => isWanted() && this.up(), AGAIN_MS))
  }

  async down(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGINT')
    await exit
  }

  /** Kills the server as nothing can catch it, and waits until it is back. */
  async crash(): Promise<void> {
    const child = this.#process as ChildProcess
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    await waitReady(this.layout)
  }

  async remove(): Promise<void> {
    await this.down()
    await rm(this.layout.home, { recursive: true, force: true })
    await rm(this.layout.postgres.socketFolder, { recursive: true, force: true })
  }

  url(database: string): string {
    return databaseUrl(this.layout, database)
  }

  query(database: string, sql: string, values: unknown[] = []): Promise<pg.QueryResult> {
    return query(this.url(database), sql, values)
  }

  /** The names of all databases whose name is like this. */
  async databases(like = '%'): Promise<string[]> {
    const found = await this.query(
      'postgres',
      'select datname from pg_database where datname like $1 and not datistemplate order by 1',
      [like],
    )
    return found.rows.map(({ datname }) => datname)
  }
}

/** One statement, or several without values, in a session of its own. */
export async function query(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<pg.QueryResult> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return await client.query(sql, values)
  } finally {
    await client.end()
  }
}
