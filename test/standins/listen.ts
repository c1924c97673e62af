import type { Server } from 'node:http'

/**
 * Listens on loopback.
 * @returns what ends it, open connections with it
 */
export function listen(server: Server, port: number): Promise<() => Promise<void>> {
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(close))
  })
}
