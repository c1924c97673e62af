import { Agent, get } from 'node:http'

/** Requests of that many users, some at a time. */
export async function send(url: string, count: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const answered = { blue: 0, green: 0, failed: 0 }
  const one = () =>
    new Promise<keyof typeof answered>((resolve) => {
      get(url, { agent }, (response) => {
        response.resume()
        const colour = response.headers['x-colour']
        const known = colour === 'blue' || colour === 'green'
        response.once('end', () =>
          resolve(known && response.statusCode === 200 ? colour : 'failed'),
        )
      }).once('error', () => resolve('failed'))
    })
  const results = await Promise.all(Array.from({ length: count }, one))
  for (const result of results) answered[result] += 1
  agent.destroy()
  return answered
}
