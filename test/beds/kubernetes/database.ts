import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Server } from '../../platforms/local/server.ts'
import type { BedCluster } from './cluster.ts'
import { relay } from './relay.ts'

/** A real PostgreSQL on this host, which the bed's pods reach as if it stood in the cluster. */
export class BedDatabase {
  readonly server: Server
  readonly #sockets: string
  readonly #close: () => void

  private constructor(server: Server, sockets: string, close: () => void) {
    this.server = server
    this.#sockets = sockets
    this.#close = close
  }

  static async start(cluster: BedCluster, databases: string[]): Promise<BedDatabase> {
    const server = await Server.start(databases)
    const sockets = join(cluster.folder, 'postgres')
    mkdirSync(sockets)
    const name = '.s.PGSQL.5432'
    const carried = await relay(
      { path: join(sockets, name) },
      { path: join(server.layout.postgres.socketFolder, name) },
    )
    return new BedDatabase(server, sockets, carried.close)
  }

  /** The address of a database as a pod knows it. */
  url(database: string): string {
    return `postgres://sluice@localhost:5432/${database}?host=${encodeURIComponent(this.#sockets)}`
  }

  async close(): Promise<void> {
    this.#close()
    await this.server.remove()
  }
}
