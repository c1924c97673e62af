import type { Plan, Service } from '../../rollout/plan.ts'
import { backendOf, copiesWrites, type RouterOptions, writesOf } from './haproxy-names.ts'
import { bindAddress, plainName, plainPath, quoteWord } from './haproxy-text.ts'
import type { Layout, Ports } from './layout.ts'

/** One user's place in 1/100 percent: green is whoever stands below its weight. */
export const BUCKETS = 10_000

/** What only Sluice itself says to services; from outside it would be a lie. */
const OURS = ['x-sluice-color', 'x-sluice-bucket', 'x-sluice-check', 'x-sluice-copy']

/** Where users come in: which service, which user, which colour, and the line of the log. */
export function frontendSection(
  plan: Plan,
  layout: Layout,
  ports: Ports,
  options: RouterOptions,
): string[] {
  const services = Object.entries(plan.services)
  const each = (lines: (name: string, service: Service) => string[]) =>
    services.flatMap(([name, service]) => lines(name, service))
  const map = plainPath(layout.haproxy.map)
  return [
    'frontend users',
    `  bind ${bindAddress(ports.listen)}`,
    '  http-request set-var(txn.fallback) int(0)',
    ...OURS.map((header) => `  http-request del-header ${header}`),
    ...routeLines(plan),
    '  http-request return status 404 content-type text/plain string "no service has this path" if !{ var(txn.service) -m found }',
    ...each(affinityLines),
    ...each(md5Lines),
    `  http-request set-var(txn.bucket) var(txn.user),crc32(1),mod(${BUCKETS}) if { var(txn.user) -m found } !{ var(txn.bucket) -m found }`,
    `  http-request set-header x-sluice-bucket %[var(txn.bucket),div(${BUCKETS / 100})] if { var(txn.user) -m found }`,
    `  http-request set-var(txn.bucket) rand(${BUCKETS}) if !{ var(txn.bucket) -m found }`,
    `  http-request set-var(txn.green) var(txn.service),map_str_int(${map},0)`,
    '  http-request set-var(txn.wanted) str(blue)',
    options.retired
      ? '  http-request set-var(txn.wanted) str(green)'
      : '  http-request set-var(txn.wanted) str(green) if { var(txn.bucket),sub(txn.green) lt 0 }',
    ...each((name, service) => offLines(name, service, options)),
    // Where green is away or unguarded, a service that is one process must hear blue.
    '  http-request set-var(txn.side) str(blue)',
    ...each((name, service) => sideLines(name, service, options)),
    '  http-request set-header x-sluice-color %[var(txn.side)]',
    // Only what may safely be done twice is done twice; a connection that failed carried nothing.
    '  http-request disable-l7-retry unless { method GET HEAD OPTIONS }',
    '  http-request set-var(txn.debug) bool(true) if { req.hdr(x-sluice-debug) -m found }',
    `  http-response set-header x-sluice-color %[srv_name,${namesOfColours(plan)}] if { var(txn.debug) -m found }`,
    ...each(fallbackLines),
    '  log-format "sluice %[var(txn.service)] %[var(txn.wanted)] %[srv_name] %ST %Tr %Ta %ts %[var(txn.fallback)]"',
    ...each((name, service) => backendLines(name, service, options)),
  ]
}

/**
 * A route is a path or what is below it: `/api` has `/api` and `/api/x`, not `/apix`, as it is in
 * the Gateway API. The longest comes first, and the first that fits wins.
 */
function routeLines(plan: Plan): string[] {
  const routes = Object.entries(plan.services).flatMap(([service, { routes }]) =>
    routes.map((route, index) => ({
      service,
      route,
      place: `services.${service}.routes[${index}]`,
    })),
  )
  const taken = new Map<string, string>()
  for (const { service, route, place } of routes) {
    const first = taken.get(route)
    if (first !== undefined && first !== service) {
      throw new Error(
        `${place}: ${route} belongs to ${first} already; next: give each service its own path prefixes`,
      )
    }
    taken.set(route, service)
  }
  return routes
    .toSorted((a, b) => b.route.length - a.route.length)
    .flatMap(({ service, route, place }) => {
      const set = `  http-request set-var(txn.service) str(${plainName(service, 'services')}) if !{ var(txn.service) -m found }`
      if (route.endsWith('/')) return [`${set} { path_beg -- ${quoteWord(route, place)} }`]
      return [
        `${set} { path -- ${quoteWord(route, place)} }`,
        `${set} { path_beg -- ${quoteWord(`${route}/`, place)} }`,
      ]
    })
}

const here = (name: string) => `{ var(txn.service) -m str ${name} }`

function affinityLines(name: string, service: Service): string[] {
  const { header, cookie } = service.affinity
  const unset = '!{ var(txn.user) -m found }'
  const place = `services.${name}.affinity`
  const lines: string[] = []
  const add = (fetch: string) => {
    // An empty value tells nobody apart: it would send them all to one side.
    lines.push(
      `  http-request set-var(txn.user) ${fetch} if ${here(name)} ${unset} { ${fetch} -m len gt 0 }`,
    )
  }
  if (header) add(`req.hdr(${plainName(header, `${place}.header`)})`)
  if (cookie) add(`req.cook(${plainName(cookie, `${place}.cookie`)})`)
  return lines
}

/**
 * The first eight hex digits of the MD5, modulo 100, as services compute it too; in the map's unit.
 */
function md5Lines(name: string, { affinity }: Service): string[] {
  if (affinity.bucket !== 'md5') return []
  const bucket = `digest(md5),hex,bytes(0,8),hex2i,mod(100),mul(${BUCKETS / 100})`
  return [
    `  http-request set-var(txn.bucket) var(txn.user),${bucket} if ${here(name)} { var(txn.user) -m found }`,
  ]
}

/** What has no blue is off for the users who are on blue, and for all while green is away. */
function offLines(name: string, { blue }: Service, { disarmed, retired }: RouterOptions): string[] {
  if (blue !== 'none' || retired) return []
  const off = `  http-request return status 404 content-type text/plain string "not here yet" if ${here(name)}`
  const green = backendOf(name, 'green')
  return [
    `${off} { var(txn.wanted) -m str blue }`,
    `${off} !{ nbsrv(${green}) gt 0 }`,
    ...(disarmed ? [] : [`${off} !{ nbsrv(guard) gt 0 }`]),
  ]
}

/** Green answers whom the weight gives it, while it is there and guarded. */
function sideLines(name: string, _service: Service, { disarmed, retired }: RouterOptions) {
  const set = `  http-request set-var(txn.side) str(green) if ${here(name)}`
  if (retired) return [set]
  const guard = disarmed ? '' : ' { nbsrv(guard) gt 0 }'
  const alive = `{ nbsrv(${backendOf(name, 'green')}) gt 0 }${guard}`
  return [`${set} { var(txn.wanted) -m str green } ${alive}`]
}

/** An answer that green says it got from blue. */
function fallbackLines(name: string, { fallback }: Service): string[] {
  if (!fallback) return []
  const header = `res.hdr(${plainName(fallback.header, `services.${name}.fallback.header`)})`
  return [
    `  http-response set-var(txn.fallback) int(1) if ${here(name)} { ${header} -m len gt 0 } !{ ${header} -m str -i 0 false no }`,
  ]
}

function backendLines(name: string, service: Service, options: RouterOptions): string[] {
  const green = `{ var(txn.side) -m str green }`
  const use = (backend: string, ...when: string[]) =>
    `  use_backend ${[backend, 'if', here(name), ...when].join(' ')}`
  const writes = copiesWrites(service, options)
    ? [`{ method ${service.state.writes.map((method) => quoteWord(method, name)).join(' ')} }`]
    : undefined
  return [
    ...(writes
      ? [use(writesOf(name, 'green'), green, ...writes), use(writesOf(name, 'blue'), ...writes)]
      : []),
    use(backendOf(name, 'green'), green),
    ...(options.retired || service.blue === 'none' ? [] : [use(backendOf(name, 'blue'))]),
  ]
}

/** The names of servers that are no colour's own say which colour stands behind them. */
function namesOfColours(plan: Plan): string {
  const copies = Object.values(plan.services).some((service) => copiesWrites(service, {}))
  const strange = ['_backup', ...(copies ? ['uncopied_', 'copier_'] : [])]
  return strange.map((part) => `regsub(${part},)`).join(',')
}
