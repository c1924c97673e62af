/** A request of a `.http` file, sent as it is to both colours. */
export interface HttpRequest {
  /** What `# @name` says, else the method and the path. */
  name: string
  /** The line of its request line, from 1. */
  line: number
  method: string
  /** Path and query. */
  path: string
  /** By lower-case name; a repeated one is joined with a comma. */
  headers: Record<string, string>
  body?: string
  /** The words after the last `###` that had any. */
  group?: string
}

/** A `.http` file that is wrong; the message has one line a mistake: file, line, what to do. */
export class HttpFileError extends Error {
  override name = 'HttpFileError'
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*)$/
const NAME = /^\s*(?:#|\/\/)\s*@name[ =]\s*(\S.*?)\s*$/
const COMMENT = /^\s*(?:#|\/\/)/
// The client counts and frames the body itself; another length would be a lie.
const FRAMING = ['content-length', 'transfer-encoding', 'connection']

/**
 * Reads a `.http` file as editors write it: requests separated by lines that begin with `###`; in
 * each, comments (`# @name …` names it), a request line, headers, an empty line and a body. Words
 * after the `###` name a group: its request, and those after a bare `###`, belong to it.
 * Variables, scripts and bodies from other files are refused: each would be sent as it stands.
 *
 * @param file its name, for messages
 * @throws HttpFileError with every mistake at once
 */
export function parseHttpFile(text: string, file: string): HttpRequest[] {
  const mistakes: string[] = []
  const requests: HttpRequest[] = []
  const named = new Map<string, number>()
  for (const section of sectionsOf(text)) {
    const wrong = (line: number, what: string) => mistakes.push(`${file}:${line}: ${what}`)
    const request = parseSection(section, wrong)
    if (!request) continue
    const before = named.get(request.name)
    if (before !== undefined) {
      wrong(
        request.line,
        `the name "${request.name}" is taken by the request at line ${before}; name this one otherwise: # @name …`,
      )
    }
    named.set(request.name, request.line)
    requests.push(request)
  }
  if (requests.length === 0 && mistakes.length === 0) {
    mistakes.push(`${file}: has no request; write one, such as GET /healthz`)
  }
  if (mistakes.length > 0) throw new HttpFileError(mistakes.join('\n'))
  return requests
}

interface Section {
  /** The number of its first line, from 1. */
  first: number
  lines: string[]
  group?: string
}

function sectionsOf(text: string): Section[] {
  const sections: Section[] = [{ first: 1, lines: [] }]
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  lines.forEach((line, index) => {
    if (line.startsWith('###')) {
      const group = line.replace(/^#+/, '').trim() || sections.at(-1)?.group
      sections.push({ first: index + 2, lines: [], ...(group === undefined ? {} : { group }) })
    } else sections.at(-1)?.lines.push(line)
  })
  return sections
}

function parseSection(
  { first, lines, group }: Section,
  wrong: (line: number, what: string) => void,
): HttpRequest | undefined {
  const at = lines.findIndex((line) => line.trim() !== '' && !COMMENT.test(line))
  if (at === -1) return undefined
  const line = first + at
  const requestLine = (lines[at] as string).trim()
  const [method, target] = splitRequestLine(requestLine)
  if (!METHODS.includes(method)) {
    wrong(line, `"${method}" is no method; give ${METHODS.join(', ')} and a path`)
    return undefined
  }
  if (!/^\/[^\s#]*$/.test(target)) {
    wrong(line, `"${target}" is no path; give one that begins with /, as it goes to both colours`)
    return undefined
  }
  const headers: Record<string, string> = {}
  let next = at + 1
  for (; next < lines.length && lines[next]?.trim() !== ''; next++) {
    const text = (lines[next] as string).trim()
    if (COMMENT.test(text)) continue
    const [, key, value] = HEADER.exec(text) ?? []
    if (key === undefined || value === undefined) {
      wrong(first + next, `"${text}" is no header; give Name: value, or an empty line and the body`)
      continue
    }
    const name = key.toLowerCase()
    if (FRAMING.includes(name)) {
      wrong(first + next, `${key} is set by what sends the request; leave it out`)
      continue
    }
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  const { body, bodyAt } = bodyOf(lines, next)
  for (const [number, sent] of [
    ...lines.slice(at, next).map((sent, n) => [first + at + n, sent] as const),
    ...(body ?? '').split('\n').map((sent, n) => [first + bodyAt + n, sent] as const),
  ]) {
    const variable = /\{\{[^{}]*\}\}/.exec(sent)?.[0]
    if (variable)
      wrong(number, `${variable} is a variable, which is not filled in; write its value`)
  }
  if (body !== undefined && /^[<>]\s?\S/.test(body) && !/^<[!?/a-zA-Z]/.test(body)) {
    wrong(first + bodyAt, 'scripts and bodies from other files are not read; write the body itself')
  }
  const name = lines
    .slice(0, next)
    .map((text) => NAME.exec(text)?.[1])
    .find((given) => given !== undefined)
  return {
    name: name ?? `${method} ${target}`,
    line,
    method,
    path: target,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(group === undefined ? {} : { group }),
  }
}

/**
 * The requests of one group, in any spelling of capitals.
 * @param group undefined for all of them
 * @throws HttpFileError where the file has no such group
 */
export function requestsOf(
  requests: readonly HttpRequest[],
  group: string | undefined,
  file: string,
): readonly HttpRequest[] {
  if (group === undefined) return requests
  const found = requests.filter((one) => one.group?.toLowerCase() === group.toLowerCase())
  if (found.length > 0) return found
  const known = [...new Set(requests.flatMap((one) => one.group ?? []))].join(', ') || 'none'
  throw new HttpFileError(
    `${file}: has no group "${group}"; begin it with ### ${group}; known: ${known}`,
  )
}

function splitRequestLine(text: string): [method: string, target: string] {
  const bare = text.replace(/\s+HTTP\/\d(\.\d)?$/, '')
  if (bare.startsWith('/')) return ['GET', bare]
  const [method = '', ...rest] = bare.split(/\s+/)
  return [method, rest.join(' ')]
}

function bodyOf(lines: string[], blank: number): { body?: string; bodyAt: number } {
  const rest = lines.slice(blank)
  const from = rest.findIndex((line) => line.trim() !== '')
  if (from === -1) return { bodyAt: blank }
  const until = rest.findLastIndex((line) => line.trim() !== '')
  return { body: rest.slice(from, until + 1).join('\n'), bodyAt: blank + from }
}
