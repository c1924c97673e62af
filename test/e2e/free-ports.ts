import { createServer, type Server } from 'node:net'

/**
 * A port on loopback that is free together with the ones right after it.
 * @param count how many in a row
 */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 12_000)
    const held = await Promise.all(
      Array.from({ length: count }, (_, offset) => hold(first + offset)),
    )
    await Promise.all(held.map((server) => server && close(server)))
    if (held.every((server) => server !== undefined)) return first
  }
  throw new Error(`no ${count} free ports in a row on 127.0.0.1`)
}

function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
