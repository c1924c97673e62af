import type { Colour } from '../rollout/plan.ts'

/**
 * Where a colour answers, past the router.
 * @param path with its leading slash
 * @returns undefined where the colour has neither a url nor a port
 */
export function addressOf({ url, port }: Colour, path: string): string | undefined {
  if (url !== undefined) return new URL(path, url).href
  return port === undefined ? undefined : `http://127.0.0.1:${port}${path}`
}
