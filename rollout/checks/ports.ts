import { formatPath, type Keys } from '../plan-parts.ts'
import { type Check, entries, type Parts } from './check.ts'
import { COLOURS, running } from './colours.ts'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** No two things of a plan listen on one port of loopback. */
export function portChecks({ local, services, operations }: Parts): Check[] {
  const checks: Check[] = []
  const taken = new Map<number, Keys>()
  const names = new Map<number, string>()
  const listen = local?.listen
  if (listen !== undefined) {
    const port = Number(listen.slice(listen.lastIndexOf(':') + 1))
    const keys = ['local', 'listen']
    if (port < 1 || port > 65_533) {
      const message = `port ${port} cannot be used; give 1 to 65533, the hook and Prometheus take the two after it`
      checks.push({ keys, message })
    } else {
      names.set(port, 'the router (plan.local.listen)')
      names.set(port + 1, 'the hook (the port after plan.local.listen)')
      names.set(port + 2, 'Prometheus (the second port after plan.local.listen)')
    }
  }
  const take = (port: number, keys: Keys, mayShare: boolean) => {
    const own = names.get(port)
    const other = taken.get(port)
    if (own) checks.push({ keys, message: `${port} is taken by ${own}; give another port` })
    else if (other && !mayShare) {
      const message = `${port} is taken by ${formatPath(other)}; give another port`
      checks.push({ keys, message })
    } else if (!other) taken.set(port, keys)
  }
  const colours = entries(services).flatMap(([name, service]) =>
    COLOURS.map((colour) => ({
      keys: ['services', name, colour],
      value: running(service[colour]),
    })),
  )
  for (const { keys, value } of colours) {
    // A container has its port to itself.
    const alone = value?.existing !== undefined || (value?.image !== undefined && !value.command)
    if (value?.port !== undefined && value.url === undefined && !alone) {
      take(value.port, [...keys, 'port'], false)
    }
  }
  for (const [name, { metrics }] of entries(operations)) {
    if (typeof metrics !== 'object' || metrics.port === undefined) continue
    take(metrics.port, ['operations', name, 'metrics', 'port'], false)
  }
  const commands = new Map(taken)
  for (const { keys, value } of colours) {
    if (value?.url === undefined || !URL.canParse(value.url)) continue
    const url = new URL(value.url)
    // Two services may share a system that runs already; a command cannot share its port.
    const port = Number(url.port || 80)
    if (LOOPBACK.test(url.hostname)) take(port, [...keys, 'url'], !commands.has(port))
  }
  return checks
}
