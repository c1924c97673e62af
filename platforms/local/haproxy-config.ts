import type { ColourName, Plan, Service } from '../../rollout/plan.ts'
import { colourOf, addressOf as placeOf } from '../../rollout/services.ts'
import { BUCKETS, frontendSection } from './haproxy-frontend.ts'
import { backendOf, copiesWrites, type RouterOptions, writesOf } from './haproxy-names.ts'
import { addressOf, plainPath, quoteWord } from './haproxy-text.ts'
import { copierOf, type Layout, type Ports } from './layout.ts'

export { BUCKETS } from './haproxy-frontend.ts'
export { backendOf, type RouterOptions } from './haproxy-names.ts'

const COLOURS: ColourName[] = ['green', 'blue']

/** A unix socket's path may have this many bytes less what HAProxy adds while it binds. */
const LONGEST_SOCKET = 90

/** To one that others bind. */
const LONGEST_PATH = 107

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
      ...(options.retired || service.blue === 'none'
        ? []
        : [blueSection(plan, name, service, options)]),
      greenSection(plan, name, service, options),
      ...(copiesWrites(service, options)
        ? COLOURS.map((colour) => writesSection(plan, layout, name, colour, options))
        : []),
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

function blueSection(plan: Plan, name: string, service: Service, options: RouterOptions): string[] {
  return [
    `backend ${backendOf(name, 'blue')}`,
    ...healthLines(name, service),
    ...deprecationLines(plan, options),
    // Blue is the side that everything falls back to: it is given up later than green.
    `  server blue ${serverOf(plan, name, 'blue')} fall 4`,
  ]
}

/**
 * Blue says that it is deprecated, and when it ends: RFC 9745 and RFC 8594. Only while green has
 * everything: after a rollback blue is what serves.
 */
function deprecationLines({ retire }: Plan, { deprecated }: RouterOptions): string[] {
  if (!deprecated) return []
  const { deprecation, sunset } = retire
  const at = (date: string) => new Date(`${date}T00:00:00Z`)
  const set = (header: string, value: string) =>
    `  http-response set-header ${header} ${value} if { srv_name -m beg blue copier_blue uncopied_blue } { var(txn.green) -m int ge ${BUCKETS} }`
  return [
    ...(deprecation ? [set('Deprecation', `@${at(deprecation).getTime() / 1_000}`)] : []),
    ...(sunset ? [set('Sunset', `"${at(sunset).toUTCString()}"`)] : []),
  ]
}

function greenSection(
  plan: Plan,
  name: string,
  service: Service,
  options: RouterOptions,
): string[] {
  const green = serverOf(plan, name, 'green')
  const lines = [`backend ${backendOf(name, 'green')}`, ...healthLines(name, service)]
  // Without blue there is nowhere else to go, so that only its checks close green.
  if (options.retired || service.blue === 'none') return [...lines, `  server green ${green}`]
  const blue = serverOf(plan, name, 'blue')
  return [
    ...lines,
    ...deprecationLines(plan, options),
    // A hung green is closed by its checks within a second; reads that wait on it go to blue then.
    '  retry-on conn-failure empty-response response-timeout',
    '  retries 6',
    // Refused connections are tried again at once, so the third one closes green and a later try
    // is blue's; four tries were too few once in thirty kills. Bad answers are not counted here: the hook judges those, and nothing hides them.
    `  server green ${green} observe layer4 error-limit 3 on-error mark-down`,
    `  server blue_backup ${blue} backup no-check track ${backendOf(name, 'blue')}/blue`,
  ]
}

/**
 * The writes of a dual-write service go through its copier. While that is down they go straight to
 * the colour that is to answer, under another name, so that the log says that they were not copied.
 */
function writesSection(
  plan: Plan,
  layout: Layout,
  name: string,
  colour: ColourName,
  options: RouterOptions,
): string[] {
  const socket = plainPath(copierOf(layout, name).socket)
  if (Buffer.byteLength(socket) > LONGEST_PATH) {
    throw new Error(
      `${socket} is too long for a socket (at most ${LONGEST_PATH} bytes); next: choose a shorter home (sluice:home, or SLUICE_HOME)`,
    )
  }
  const straight = serverOf(plan, name, colour)
  const tracked = `${backendOf(name, colour)}/${colour}`
  return [
    `backend ${writesOf(name, colour)}`,
    '  option httpchk',
    '  http-check send meth GET uri /healthz ver HTTP/1.1 hdr host localhost hdr x-sluice-check copier',
    '  http-check expect status 200',
    ...deprecationLines(plan, options),
    '  retries 6',
    `  server copier_${colour} unix@${socket} rise 1 observe layer4 error-limit 1 on-error mark-down`,
    `  server uncopied_${colour} ${straight} backup no-check track ${tracked}`,
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
