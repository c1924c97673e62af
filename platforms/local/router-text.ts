import { isIP } from 'node:net'
import { split, type Weights } from '../../rollout/weights.ts'

/** Green of every service in 1/100 percent, as the map has it. */
export type MapValues = Map<string, number>

/** The map file: one line a service. */
export function formatMap(values: MapValues): string {
  return [...values].map(([service, value]) => `${service} ${value}\n`).join('')
}

/**
 * Reads a map file. The first line of a service counts, as it does for HAProxy. A value that is
 * none is 0: green gets nothing.
 */
export function parseMap(text: string): MapValues {
  const values: MapValues = new Map()
  for (const line of text.split('\n')) {
    const [service, value] = line.trim().split(/\s+/)
    if (!service || service.startsWith('#') || values.has(service)) continue
    values.set(service, /^\d+$/.test(value ?? '') ? Math.min(10_000, Number(value)) : 0)
  }
  return values
}

/** Reads the answer of `show map`: `values`, and in `rest` what else the router said. */
export function parseShownMap(text: string): { values: MapValues; rest: string } {
  const entries: string[] = []
  const others: string[] = []
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const entry = /^0x[0-9a-f]+ (.*)$/.exec(line)
    if (entry) entries.push(entry[1] as string)
    else others.push(line.trim())
  }
  return { values: parseMap(entries.join('\n')), rest: others.join(' ') }
}

/** 1/100 percent of a share of green. */
export function toMapValue({ green }: Weights): number {
  return Math.round(green * 100)
}

/** The weights of a value of the map. */
export function fromMapValue(value: number): Weights {
  return split(value / 100)
}

/** A server as `show servers state` tells it. */
export interface ServerState {
  backend: string
  server: string
  /** Takes requests as far as its checks say. */
  running: boolean
}

/** Reads the answer of `show servers state`. */
export function parseServers(text: string): ServerState[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    if (fields.length < 7 || !/^\d+$/.test(fields[0] as string)) return []
    const [, backend, , server, , operation, administration] = fields as string[]
    // 2 is running, 1 is warming up; any administrative state takes it out.
    const running = (operation === '2' || operation === '1') && administration === '0'
    return [{ backend: backend as string, server: server as string, running }]
  })
}

/** The process that answers, of `show info`. */
export function parsePid(text: string): number | undefined {
  const found = /^Pid: (\d+)$/m.exec(text)
  return found ? Number(found[1]) : undefined
}

/**
 * What is known of servers, fit for a start with a configuration. HAProxy prefers the address in
 * it to the configuration's, so that a server which has moved is left out: it is another one. The
 * hook, which may move with the router, keeps what is known of it.
 * @param state the answer of `show servers state`, or a file of it
 * @param config a configuration that haproxyConfig wrote
 */
export function stateFor(config: string, state: string): string {
  const addresses = addressesOf(config)
  const lines = state.split('\n')
  const columns = (lines.find((line) => line.startsWith('# ')) ?? '').slice(2).split(' ')
  const [address, port] = [columns.indexOf('srv_addr'), columns.indexOf('srv_port')]
  if (address < 0 || port < 0) return '1\n'
  return lines
    .flatMap((line) => {
      const fields = line.split(' ')
      if (!/^\d+$/.test(fields[0] as string) || fields.length < columns.length) return [line]
      const configured = addresses.get(`${fields[1]}/${fields[3]}`)
      if (!configured) return []
      if (fields[1] === 'guard') return [fields.with(port, configured.port).join(' ')]
      const same =
        configured.port === fields[port] &&
        (isIP(configured.host) === 0 || configured.host === fields[address])
      return same ? [line] : []
    })
    .join('\n')
}

/** The host and port of each server of a configuration, by `backend/server`. */
function addressesOf(config: string): Map<string, { host: string; port: string }> {
  const addresses = new Map<string, { host: string; port: string }>()
  let backend = ''
  for (const line of config.split('\n')) {
    backend = /^backend (\S+)/.exec(line)?.[1] ?? backend
    const server = /^ {2}server (\S+) (\S+):(\d+)( |$)/.exec(line)
    if (!server) continue
    const [, name, host, port] = server as unknown as [string, string, string, string]
    addresses.set(`${backend}/${name}`, { host: host.replace(/^\[|\]$/g, ''), port })
  }
  return addresses
}
