import { get } from 'node:http'

/** Asks an HTTP readiness probe once. */
export function answers(
  host: string,
  port: number,
  path: string,
  seconds: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get({ host, port, path, agent: false, timeout: seconds * 1_000 }, (answer) => {
      answer.resume()
      resolve((answer.statusCode ?? 500) < 400)
    })
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => resolve(false))
  })
}
