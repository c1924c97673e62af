import { readFileSync } from 'node:fs'

export type Recorded = {
  group: string
  name: string
  method: string
  path: string
  headers: Record<string, string>
  body: string | undefined
}

/** The requests of examples/huntred/parity.http; a block's title begins a group. */
export const recorded = (): Recorded[] => {
  const file = new URL('../../examples/huntred/parity.http', import.meta.url)
  let group = ''
  return readFileSync(file, 'utf8')
    .split(/^###/m)
    .slice(1)
    .map((block) => {
      const [title = '', ...lines] = block.split('\n')
      group = title.trim() || group
      const name = /^# @name (.+)$/m.exec(block)?.[1] ?? ''
      const start = lines.findIndex((line) => /^[A-Z]+ \//.test(line))
      const [method = '', path = ''] = (lines[start] ?? '').split(' ')
      const rest = lines.slice(start + 1)
      const gap = rest.indexOf('')
      const headers = rest.slice(0, gap).map((line) => line.split(/: */, 2))
      const body = rest.slice(gap).join('\n').trim()
      return {
        group,
        name,
        method,
        path,
        headers: Object.fromEntries(headers),
        body: body || undefined,
      }
    })
}

/** Status and body of an answer, without what may differ; `servedAt` is only reported as present. */
export const ask = async (
  base: string,
  { method, path, headers, body }: Omit<Recorded, 'group' | 'name'>,
) => {
  const answer = await fetch(base + path, { method, headers, ...(body && { body }) })
  const json = answer.headers.get('content-type')?.includes('json') ?? false
  const { servedAt, ...told }: Record<string, unknown> = json
    ? ((await answer.json()) as Record<string, unknown>)
    : { page: await answer.text() }
  return {
    version: answer.headers.get('x-version'),
    json,
    dated: typeof servedAt === 'string' && !Number.isNaN(Date.parse(servedAt)),
    status: answer.status,
    body: told,
    // the order of fields is part of an answer that somebody compares as text
    text: JSON.stringify(told),
  }
}
