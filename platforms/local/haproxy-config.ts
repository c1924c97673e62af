import type { ColourName, Plan, Service } from '../../rollout/plan.ts'
import { colourOf, addressOf as placeOf } from '../../rollout/services.ts'
import { addressOf, bindAddress, plainName, plainPath, quoteWord } from './haproxy-text.ts'
import type { Layout, Ports } from './layout.ts'

/** What of a rollout's state shows in the router's configuration. */
export interface RouterOptions {
  /** `released` and after: green no longer needs the guard. */
  disarmed?: boolean
  /** `retired`: blue is gone, and everything goes to green whatever the map says. */
  retired?: boolean
  /**
   * How long a colour may take to begin its answer, in ms; default 5 s. A longer one is a
   * gateway timeout; reads are tried again elsewhere.
   */
  serverTimeoutMs?: number
}

/** One user's place in 1/100 percent: green is whoever stands below its weight. */
export const BUCKETS = 10_000

/** A unix socket's path may have this many bytes less what HAProxy adds while it binds. */
const LONGEST_SOCKET = 90

/** The backend of a colour. */
export function backendOf(service: string, colour: ColourName): string {
  return `${service}_${colour}`
}

/** What starts the router: in the foreground, with a master that reloads on USR2. */
export function haproxyArguments(layout: Layout): string[] {
  return ['-W', '-f', layout.haproxy.config]
}

/**
 * The router's configuration. Weights stand in the runtime map alone, so that no weight is ever
 * changed by a reload.
 * @throws Error with the field of the plan that the router cannot carry
 */
export function haproxyConfig(
  plan: Plan,
  layout: Layout,
  ports: Ports,
  options: RouterOptions = {},
): string {
  const services = Object.entries(plan.services)
  const sections = [
    globalSection(layout, ports),
    defaultsSection(options.serverTimeoutMs ?? 5_000),
    frontendSection(plan, layout, ports, options),
    ...services.flatMap(([name, service]) => [
      ...(options.retired || service.blue === 'none' ? [] : [blueSection(plan, name, service)]),
      greenSection(plan, name, service, options),
    ]),
    ...(options.disarmed || options.retired ? [] : [guardSection(ports)]),
    ...resolversSection(plan),
  ]
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function globalSection(layout: Layout, ports: Ports): string[] {
  const socket = plainPath(layout.haproxy.socket)
  if (Buffer.byteLength(socket) > LONGEST_SOCKET) {
    throw new Error(
      `${socket} is too long for a socket (at most ${LONGEST_SOCKET} bytes); next: choose a shorter home (sluice:home, or SLUICE_HOME)`,
    )
  }
  return [
    '# Written by Sluice; an edit by hand is undone by the next update.',
    'global',
    `  stats socket ${socket} mode 600 level admin expose-fd listeners`,
    '  stats timeout 10s',
    `  server-state-file ${plainPath(layout.haproxy.state)}`,
    `  log 127.0.0.1:${ports.hook} format rfc5424 local0`,
    '  hard-stop-after 30s',
    '  fd-hard-limit 65536',
  ]
}

function defaultsSection(serverTimeoutMs: number): string[] {
  return [
    'defaults',
    '  mode http',
    '  log global',
    '  load-server-state-from-file global',
    '  timeout connect 1s',
    '  timeout client 60s',
    '  timeout http-request 10s',
    '  timeout http-keep-alive 60s',
    '  timeout tunnel 1h',
    `  timeout server ${serverTimeoutMs}ms`,
    '  timeout check 250ms',
    '  option forwardfor',
    '  option http-buffer-request',
    '  # A reload ends idle connections with an answer, not with a reset.',
    '  option idle-close-on-response',
    '  retries 3',
    '  option redispatch 1',
    '  retry-on conn-failure empty-response',
    '  # Idle connections go before Node closes them at its side, which would lose a request.',
    '  default-server check inter 250ms fall 2 rise 2 pool-purge-delay 1s',
  ]
}

function frontendSection(
  plan: Plan,
  layout: Layout,
  ports: Ports,
  options: RouterOptions,
): string[] {
  const services = Object.keys(plan.services)
  const map = plainPath(layout.haproxy.map)
  return [
    'frontend users',
    `  bind ${bindAddress(ports.listen)}`,
    ...routeLines(plan),
    '  http-request return status 404 content-type text/plain string "no service has this path" if !{ var(txn.service) -m found }',
    ...services.flatMap((name) => affinityLines(name, plan.services[name]!)),
    `  http-request set-var(txn.bucket) var(txn.user),crc32(1),mod(${BUCKETS}) if { var(txn.user) -m found }`,
    `  http-request set-var(txn.bucket) rand(${BUCKETS}) if !{ var(txn.bucket) -m found }`,
    `  http-request set-var(txn.green) var(txn.service),map_str_int(${map},0)`,
    '  http-request set-var(txn.wanted) str(blue)',
    options.retired
      ? '  http-request set-var(txn.wanted) str(green)'
      : '  http-request set-var(txn.wanted) str(green) if { var(txn.bucket),sub(txn.green) lt 0 }',
    // Only what may safely be done twice is done twice; a connection that failed carried nothing.
    ...services.flatMap((name) => offLines(name, plan.services[name]!, options)),
    '  http-request disable-l7-retry unless { method GET HEAD OPTIONS }',
    '  http-request set-var(txn.debug) bool(true) if { req.hdr(x-sluice-debug) -m found }',
    '  http-response set-header x-sluice-color %[srv_name,regsub(_backup,)] if { var(txn.debug) -m found }',
    '  log-format "sluice %[var(txn.service)] %[var(txn.wanted)] %[srv_name] %ST %Tr %Ta %ts"',
    ...services.flatMap((name) => backendLines(name, plan.services[name]!, options)),
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

function affinityLines(name: string, service: Service): string[] {
  const { header, cookie } = service.affinity
  const here = `{ var(txn.service) -m str ${name} }`
  const unset = '!{ var(txn.user) -m found }'
  const place = `services.${name}.affinity`
  const lines: string[] = []
  const add = (fetch: string) => {
    // An empty value tells nobody apart: it would send them all to one side.
    lines.push(
      `  http-request set-var(txn.user) ${fetch} if ${here} ${unset} { ${fetch} -m len gt 0 }`,
    )
  }
  if (header) add(`req.hdr(${plainName(header, `${place}.header`)})`)
  if (cookie) add(`req.cook(${plainName(cookie, `${place}.cookie`)})`)
  return lines
}

/** What has no blue is off for the users who are on blue, and for all while green is away. */
function offLines(name: string, { blue }: Service, { disarmed, retired }: RouterOptions): string[] {
  if (blue !== 'none' || retired) return []
  const here = `{ var(txn.service) -m str ${name} }`
  const off = `  http-request return status 404 content-type text/plain string "not here yet" if ${here}`
  const green = backendOf(name, 'green')
  return [
    `${off} { var(txn.wanted) -m str blue }`,
    `${off} !{ nbsrv(${green}) gt 0 }`,
    ...(disarmed ? [] : [`${off} !{ nbsrv(guard) gt 0 }`]),
  ]
}

function backendLines(
  name: string,
  { blue }: Service,
  { disarmed, retired }: RouterOptions,
): string[] {
  const here = `{ var(txn.service) -m str ${name} }`
  const green = backendOf(name, 'green')
  if (retired) return [`  use_backend ${green} if ${here}`]
  const guard = disarmed ? '' : ' { nbsrv(guard) gt 0 }'
  return [
    `  use_backend ${green} if ${here} { var(txn.wanted) -m str green } { nbsrv(${green}) gt 0 }${guard}`,
    ...(blue === 'none' ? [] : [`  use_backend ${backendOf(name, 'blue')} if ${here}`]),
  ]
}

function blueSection(plan: Plan, name: string, service: Service): string[] {
  return [
    `backend ${backendOf(name, 'blue')}`,
    ...healthLines(name, service),
    // Blue is the side that everything falls back to: it is given up later than green.
    `  server blue ${serverOf(plan, name, 'blue')} fall 4`,
  ]
}

function greenSection(
  plan: Plan,
  name: string,
  service: Service,
  { retired }: RouterOptions,
): string[] {
  const green = serverOf(plan, name, 'green')
  const lines = [`backend ${backendOf(name, 'green')}`, ...healthLines(name, service)]
  // Without blue there is nowhere else to go, so that only its checks close green.
  if (retired || service.blue === 'none') return [...lines, `  server green ${green}`]
  const blue = serverOf(plan, name, 'blue')
  return [
    ...lines,
    // A hung green is closed by its checks within a second; reads that wait on it go to blue then.
    '  retry-on conn-failure empty-response response-timeout',
    '  retries 6',
    // Refused connections are tried again at once, so the third one closes green and a later try
    // is blue's; four tries were too few once in thirty kills. Bad answers are not counted here: the hook judges those, and nothing hides them.
    `  server green ${green} observe layer4 error-limit 3 on-error mark-down`,
    `  server blue_backup ${blue} backup no-check track ${backendOf(name, 'blue')}/blue`,
  ]
}

function healthLines(name: string, service: Service): string[] {
  return [
    '  option httpchk',
    `  http-check send meth GET uri ${quoteWord(service.health, `services.${name}.health`)} ver HTTP/1.1 hdr host localhost hdr user-agent sluice`,
    '  http-check expect status 200-299',
  ]
}

/**
 * The hook as a server: while it does not answer, no request goes to green. It never comes back
 * by its checks alone; the hook raises it when it has looked at what happened meanwhile.
 */
function guardSection(ports: Ports): string[] {
  return [
    'backend guard',
    '  timeout check 400ms',
    '  option httpchk',
    '  http-check send meth GET uri /healthz ver HTTP/1.1 hdr host localhost',
    '  http-check expect status 200',
    `  server hook 127.0.0.1:${ports.hook} inter 700ms fall 3 rise 1000000000`,
  ]
}

function serverOf(plan: Plan, service: string, colour: ColourName): string {
  const place = `services.${service}.${colour}`
  const found = placeOf(plan, service, colour)
  if (!found) {
    throw new Error(
      `${place}: has neither a url nor a port, so the router does not know where it is; next: give one`,
    )
  }
  if ('port' in found) return `127.0.0.1:${found.port}`
  const { text, resolve } = addressOf(found.url, `${place}.url`)
  return resolve ? `${text} resolvers names init-addr last,libc,none` : text
}

/** Names are asked for again while the router runs; only where a colour has one. */
function resolversSection(plan: Plan): string[][] {
  const named = Object.values(plan.services)
    .flatMap((service) => [colourOf(service, 'blue')?.url, service.green.url])
    .some((url) => url !== undefined && addressOf(url, 'url').resolve)
  return named ? [['resolvers names', '  parse-resolv-conf']] : []
}
