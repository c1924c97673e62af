import pg from 'pg'
import type { TestDatabase } from './test-cluster.ts'

/** Databases of the tests' own on a PostgreSQL server that somebody has. */
export class GivenDatabase implements TestDatabase {
  readonly #server: string
  readonly #prefix: string
  readonly #names: string[]

  private constructor(server: string, prefix: string, names: string[]) {
    this.#server = server
    this.#prefix = prefix
    this.#names = names
  }

  /** @param owner whose they are; a part of their names */
  static async open(server: string, owner: string, names: string[]): Promise<GivenDatabase> {
    const database = new GivenDatabase(server, owner.replaceAll('-', '_'), names)
    for (const name of names) await database.#ask(`create database ${database.#named(name)}`)
    return database
  }

  url(name: string): string {
    const url = new URL(this.#server)
    url.pathname = `/${this.#prefix}_${name}`
    return url.href
  }

  outside(name: string): string {
    return this.url(name)
  }

  /** The server stays; its databases of this test take nobody any more. */
  async down(): Promise<void> {
    await this.#each(async (name, database) => {
      await this.#ask(`alter database ${name} with allow_connections false`)
      await this.#ask(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
        database,
      )
    })
  }

  async up(): Promise<void> {
    await this.#each((name) => this.#ask(`alter database ${name} with allow_connections true`))
  }

  async close(): Promise<void> {
    await this.#each((name) => this.#ask(`drop database if exists ${name} with (force)`))
  }

  #named(name: string): string {
    return pg.escapeIdentifier(`${this.#prefix}_${name}`)
  }

  async #each(act: (name: string, database: string) => Promise<void>): Promise<void> {
    for (const name of this.#names) await act(this.#named(name), `${this.#prefix}_${name}`)
  }

  async #ask(text: string, ...values: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: this.#server })
    await client.connect()
    try {
      await client.query(text, values)
    } finally {
      await client.end()
    }
  }
}
