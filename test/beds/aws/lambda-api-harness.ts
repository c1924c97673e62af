import { Site } from '../../site.ts'

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
  const site = await Site.open(({ method, url, headers, body }, response) => {
    const name = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url)?.[1]
    const isEvent = headers['x-amz-invocation-type'] === 'Event'
    if (method !== 'POST' || name === undefined || !isEvent) {
      response.writeHead(400, { 'x-amzn-errortype': 'InvalidRequest' }).end('{}')
      return
    }
    response.writeHead(202).end()
    invoked(decodeURIComponent(name), JSON.parse(body))
  })
  return { endpoint: site.url, stop: () => site.close() }
}
