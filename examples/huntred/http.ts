import type { IncomingMessage, ServerResponse } from 'node:http'

/** An answer other than success; its body is the same in both generations. */
export class Refusal extends Error {
  status: number
  code: string
  headers: Record<string, string>
  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export const invalid = (message: string) => new Refusal(400, 'invalid', message)
export const notFound = (message: string) => new Refusal(404, 'not-found', message)

export const send = (
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
) => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}

export const refuse = (response: ServerResponse, refusal: Refusal) => {
  const { status, code, message, headers } = refusal
  send(response, status, { error: { code, message } }, headers)
}

/** A request's JSON object, of at most 64 KiB. */
export const readJson = async (request: IncomingMessage): Promise<Record<string, unknown>> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    // what follows stays unread, so the connection cannot carry another request
    if (bytes > 65_536) {
      throw new Refusal(413, 'too-large', 'body: give at most 64 KiB', { connection: 'close' })
    }
    chunks.push(chunk)
  }
  let body: unknown
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw invalid('body: not JSON')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('body: give a JSON object')
  }
  return body as Record<string, unknown>
}
