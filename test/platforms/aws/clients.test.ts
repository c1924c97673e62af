import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { clientsOf } from '../../../platforms/aws/clients.ts'
import { readParameters } from '../../../platforms/aws/parameters.ts'
import { environmentOf } from '../../beds/aws/environment.ts'

afterEach(() => vi.unstubAllEnvs())

test('a call whose answer never comes is asked again, and a rollback does not hang on it', async () => {
  let asked = 0
  const server = createServer((_request, response) => {
    // The first is taken and never answered, as where a connection is lost without a word.
    if (asked++ === 0) return
    const Parameters = [{ Name: '/sluice/shop/latch', Value: 'set' }]
    response
      .writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      .end(JSON.stringify({ Parameters }))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  for (const [name, value] of Object.entries(environmentOf(`http://127.0.0.1:${port}`, 'hook'))) {
    vi.stubEnv(name, value)
  }
  try {
    const found = await readParameters(clientsOf({}).parameters, ['/sluice/shop/latch'])
    expect(found.get('/sluice/shop/latch')).toBe('set')
    expect(asked).toBe(2)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}, 60_000)
