import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A server on loopback that takes a function's calls of a function. */
export interface LambdaApi {
  /** For AWS_ENDPOINT_URL_LAMBDA. */
  endpoint: string
  stop(): Promise<void>
}

/**
 * The one call of Lambda's API that the hook makes: Invoke, asynchronously. moto takes it and runs
 * nothing; here it comes to the harness. A stand-in: no IAM, any name is a function.
 * @param invoked told of each call; its answer does not wait
 */
export async function startLambdaApi(
  invoked: (name: string, event: unknown) => void,
): Promise<LambdaApi> {
  const server = createServer(async (request, response) => {
    const name = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '')?.[1]
    const isEvent = request.headers['x-amz-invocation-type'] === 'Event'
    const body = await text(request)
    if (request.method !== 'POST' || name === undefined || !isEvent) {
      response.writeHead(400, { 'x-amzn-errortype': 'InvalidRequest' }).end('{}')
      return
    }
    response.writeHead(202).end()
    invoked(decodeURIComponent(name), JSON.parse(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
