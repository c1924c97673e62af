import { Site } from '../../site.ts'

/** Somebody who is told by a webhook: the texts of what came. */
export interface Pager {
  url: string
  told: string[]
  close(): Promise<void>
}

export async function startPager(): Promise<Pager> {
  const told: string[] = []
  const site = await Site.open(({ body }, response) => {
    told.push(body)
    response.end('ok')
  })
  return { url: `${site.url}/pager`, told, close: () => site.close() }
}
