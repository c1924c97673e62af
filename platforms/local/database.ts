import { spawn } from 'node:child_process'
import pg from 'pg'
import { Refused, Unavailable } from '../platform.ts'

/** A PostgreSQL database as both the pg library and the client programs reach it. */
export interface Database {
  name: string
  /** For libpq's argument list: everything but the password. */
  address: string
  /** For the environment of libpq's programs. */
  environment: Record<string, string>
  /** For the pg library: whole, password included. Never to be shown. */
  secretUrl: string
  /** Replaces the password in any text. */
  scrub(text: string): string
  /** The same server and user, another database. */
  on(name: string): Database
}

/**
 * Takes an address apart.
 * @param variable where it was read, for messages; the address itself is never shown
 * @throws Refused when it is no address of a PostgreSQL database
 */
export function databaseAt(url: string, variable: string): Database {
  const parts = parse(url)
  if (!parts || !/^postgres(ql)?:$/.test(parts.protocol)) {
    throw new Refused(
      `${variable} holds no address of a PostgreSQL database; give it as postgres://user@host:5432/name`,
    )
  }
  const name = parts.searchParams.get('dbname') ?? decodeURIComponent(parts.pathname.slice(1))
  if (!name) {
    throw new Refused(`${variable} names no database; give it as postgres://user@host:5432/name`)
  }
  parts.searchParams.delete('dbname')
  const password = parts.searchParams.get('password') ?? decodeURIComponent(parts.password)
  parts.searchParams.delete('password')
  parts.password = ''
  parts.searchParams.delete('uselibpqcompat')
  return new Address(parts, name, password || undefined)
}

class Address implements Database {
  readonly name: string
  readonly address: string
  readonly environment: Record<string, string>
  readonly secretUrl: string
  readonly #parts: URL
  readonly #password: string | undefined

  constructor(parts: URL, name: string, password: string | undefined) {
    const shown = new URL(parts)
    shown.pathname = `/${encodeURIComponent(name)}`
    this.name = name
    this.address = spelled(shown).replace(`//${NO_HOST}`, '//').replace(`@${NO_HOST}`, '@')
    this.environment = password === undefined ? {} : { PGPASSWORD: password }
    const whole = new URL(shown)
    if (password !== undefined) whole.searchParams.set('password', password)
    if (!whole.searchParams.has('host') && whole.hostname === NO_HOST) {
      whole.searchParams.set('host', process.env['PGHOST'] ?? '/var/run/postgresql')
    }
    // The pg library reads sslmode=require more strictly than libpq does; both shall mean the same.
    if (whole.searchParams.has('sslmode')) whole.searchParams.set('uselibpqcompat', 'true')
    this.secretUrl = spelled(whole)
    this.#parts = parts
    this.#password = password
  }

  scrub(text: string): string {
    const password = this.#password
    if (password === undefined) return text
    const spellings = [password, encodeURIComponent(password), encodeURI(password)]
    return spellings.reduce((shown, spelling) => shown.replaceAll(spelling, '***'), text)
  }

  on(name: string): Database {
    return new Address(this.#parts, name, this.#password)
  }
}

/** An address whose spaces are %20: libpq takes a plus sign as it stands. */
function spelled(url: URL): string {
  const copy = new URL(url)
  copy.search = copy.search.replaceAll('+', '%20')
  return copy.href
}

const NO_HOST = 'no-host.invalid'

function parse(url: string): URL | undefined {
  for (const text of [url, url.replace(/^(postgres(?:ql)?:\/\/[^@/]*@?)\//, `$1${NO_HOST}/`)]) {
    try {
      const parts = new URL(text)
      decodeURIComponent(parts.pathname + parts.username + parts.password)
      if (parts.hostname !== '') return parts
    } catch {
      // The next spelling: an address may leave the host to the environment.
    }
  }
  return undefined
}

/** An identifier, quoted for SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text, quoted for SQL. */
export function quoteText(text: string): string {
  return pg.escapeLiteral(text)
}

/**
 * Opens a session, gives it to `use` and ends it, whatever comes.
 * @param how `replication` for one that takes the commands of logical replication too
 * @throws Unavailable when the server cannot be reached
 */
export async function withSession<T>(
  database: Database,
  use: (client: pg.Client) => Promise<T>,
  how?: 'replication',
): Promise<T> {
  const client = new pg.Client({
    connectionString: database.secretUrl,
    connectionTimeoutMillis: 10_000,
    application_name: 'sluice',
    ...(how ? { replication: 'database' } : {}),
  })
  // A server that ends cuts the session between two queries; the next query tells of it.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw new Unavailable(
      `database ${database.name} cannot be reached: ${database.scrub(messageOf(error))}; next: see that the server runs and the address is right`,
    )
  }
  try {
    return await use(client)
  } catch (error) {
    if (error instanceof Refused || error instanceof Unavailable) throw error
    const text = `database ${database.name}: ${database.scrub(messageOf(error))}`
    throw isCut(error) ? new Unavailable(text) : new Refused(text)
  } finally {
    await client.end().catch(() => {})
  }
}

/**
 * Runs one of PostgreSQL's programs; the password goes by the environment, never by an argument.
 * @param signal ends it
 * @returns what it wrote to stdout
 * @throws Refused with what it wrote to stderr, scrubbed
 */
export function runProgram(
  program: string,
  args: readonly string[],
  database: Database,
  signal?: AbortSignal,
): Promise<string> {
  const child = spawn(program, [...args], {
    signal,
    env: { ...process.env, ...database.environment, LC_ALL: 'C', PGAPPNAME: 'sluice' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said = (said + chunk).slice(-4_000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      // One that was told to end is waited for all the same.
      if (error.name !== 'AbortError') reject(error)
    })
    child.once('close', (code, ended) => {
      if (code === 0) return resolve(out)
      const end = ended ? `ended by ${ended}` : `exit code ${code}`
      reject(new Refused(database.scrub(`${nameOf(program)}: ${end}. ${said.trim()}`)))
    })
  })
}

const nameOf = (program: string) => program.slice(program.lastIndexOf('/') + 1)

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** True for a session that was cut and for a server that is going down or coming up. */
function isCut(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? ''
  return /^(57P0|08|53|E[A-Z]+$)/.test(code) || /connection/i.test(messageOf(error))
}
