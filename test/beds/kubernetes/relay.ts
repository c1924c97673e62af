// Carries connections between the network namespace of the bed and the host: a unix socket is a
// file, and a file is seen from both.
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Where to: a port of loopback, or a unix socket. */
type End = { port: number; host?: string } | { path: string }

/** Listens at one end and carries everything to the other. */
export async function relay(from: End, to: End): Promise<{ port: number; close(): void }> {
  const open = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ allowHalfOpen: true, ...to })
    for (const socket of [near, far]) {
      open.add(socket)
      socket.setNoDelay?.(true)
      socket.once('close', () => open.delete(socket))
    }
    near.once('error', () => far.destroy())
    far.once('error', () => near.destroy())
    near.pipe(far)
    far.pipe(near)
  })
  if ('path' in from) {
    rmSync(from.path, { force: true })
    server.listen(from.path)
  } else server.listen(from.port, from.host ?? '127.0.0.1')
  await once(server, 'listening')
  return {
    port: 'path' in from ? 0 : (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
