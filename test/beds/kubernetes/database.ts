import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { databaseUrl } from '../../../platforms/local/layout.ts'
import { waitReady } from '../../../platforms/local/postgres.ts'
import { Server } from '../../platforms/local/server.ts'
import { relay } from './relay.ts'
import type { TestDatabase } from './test-cluster.ts'

/** A real PostgreSQL on this host, which the bed's pods reach as if it stood in the cluster. */
export class BedDatabase implements TestDatabase {
  readonly #server: Server
  readonly #sockets: string
  readonly #close: () => void

  private constructor(server: Server, sockets: string, close: () => void) {
    this.#server = server
    this.#sockets = sockets
    this.#close = close
  }

  /** @param folder of the bed: what stands in it is seen from inside and outside */
  static async start({ folder }: { folder: string }, databases: string[]): Promise<BedDatabase> {
    const server = await Server.start(databases)
    const sockets = join(folder, 'postgres')
    mkdirSync(sockets)
    const name = '.s.PGSQL.5432'
    const carried = await relay(
      { path: join(sockets, name) },
      { path: join(server.layout.postgres.socketFolder, name) },
    )
    return new BedDatabase(server, sockets, carried.close)
  }

  url(database: string): string {
    return `postgres://sluice@localhost:5432/${database}?host=${encodeURIComponent(this.#sockets)}`
  }

  outside(database: string): string {
    return databaseUrl(this.#server.layout, database)
  }

  down(): Promise<void> {
    return this.#server.down()
  }

  async up(): Promise<void> {
    this.#server.up()
    await waitReady(this.#server.layout)
  }

  async close(): Promise<void> {
    this.#close()
    await this.#server.remove()
  }
}
