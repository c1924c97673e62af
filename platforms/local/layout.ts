import { homedir } from 'node:os'
import { join } from 'node:path'
import { hashOf } from '../../rollout/hash.ts'
import type { Plan } from '../../rollout/plan.ts'

/**
 * Where everything of one rollout stands on this host. One folder, the home, holds it all; its
 * path is the rollout's identity, so that two stacks never meet.
 */
export interface Layout {
  home: string
  /** runit's scan folder: one folder a supervised program. */
  services: string
  logs: string
  haproxy: { config: string; map: string; socket: string; state: string }
  prometheus: { config: string; rules: string; data: string }
  postgres: { data: string; socketFolder: string }
  hook: {
    /** The compiled plan that the hook guards: { plan, planHash, clock }. */
    plan: string
    latch: string
    journal: string
    events: string
    /** Touched by the hook while it is awake; older than 2 s means it was away. */
    heartbeat: string
    /** Bearer token of the API. */
    token: string
    /** Bearer token with which Prometheus posts alerts; good for nothing else. */
    alertsToken: string
  }
  backups: string
  /** The continuous archive of the supervised PostgreSQL server; it outlives the server. */
  archive: {
    folder: string
    /** Base backups and WAL, by pgBackRest; one stanza a cluster. */
    repository: string
    config: string
    /** What PostgreSQL's archive_command runs. */
    push: string
    /** Why the last file was not archived; gone once one is. */
    failure: string
    /** WAL files that were given up, one a line with its time: restores cannot cross them. */
    gaps: string
  }
  reports: string
  /** What services read their flags from, in flagd's format. */
  flags: string
  /** What the copiers of dual-write services keep. */
  copiers: string
}

/** The layout below a home. */
export function layoutOf(home: string): Layout {
  const at = (...parts: string[]) => join(home, ...parts)
  return {
    home,
    services: at('services'),
    logs: at('logs'),
    haproxy: {
      config: at('haproxy', 'haproxy.cfg'),
      map: at('haproxy', 'weights.map'),
      socket: at('haproxy', 'admin.sock'),
      state: at('haproxy', 'server-state'),
    },
    prometheus: {
      config: at('prometheus', 'prometheus.yml'),
      rules: at('prometheus', 'rules.yml'),
      data: at('prometheus', 'data'),
    },
    postgres: { data: at('postgres', 'data'), socketFolder: socketFolderOf(home) },
    hook: {
      plan: at('hook', 'plan.json'),
      latch: at('hook', 'latch.json'),
      journal: at('hook', 'journal.json'),
      events: at('hook', 'events.jsonl'),
      heartbeat: at('hook', 'heartbeat'),
      token: at('hook', 'token'),
      alertsToken: at('hook', 'alerts-token'),
    },
    backups: at('backups'),
    archive: {
      folder: at('archive'),
      repository: at('archive', 'repository'),
      config: at('archive', 'pgbackrest.conf'),
      // pgBackRest looks for its own name in archive_command.
      push: at('archive', 'pgbackrest-push'),
      failure: at('archive', 'failure'),
      gaps: at('archive', 'gaps'),
    },
    reports: at('reports'),
    flags: at('flags.json'),
    copiers: at('copier'),
  }
}

/** What the copier of a dual-write service has of its own. */
export interface CopierPlaces {
  /** Where the router reaches it. */
  socket: string
  /** Every write until its copy is done; read again at a start. */
  spool: string
  /** Writes that never reached the other colour, for people. */
  failed: string
}

/** A hash stands for the service, as the path of a socket must be short. */
export function copierOf(layout: Layout, service: string): CopierPlaces {
  const { copiers } = layout
  return {
    socket: join(copiers, `${hashOf(service)}.sock`),
    spool: join(copiers, `${service}.jsonl`),
    failed: join(copiers, `${service}.failed.jsonl`),
  }
}

/** The most bytes of a unix socket's path on every system that Sluice runs on (macOS: 103). */
const SOCKET_PATH_LIMIT = 103

/**
 * The folder of PostgreSQL's socket: in the home, or, where its path would be too long for a
 * socket, in a short folder named by a hash of the home. It depends on the home and the user
 * alone, so that every process of the rollout finds the same one.
 */
function socketFolderOf(home: string): string {
  const folder = join(home, 'postgres', 'run')
  const longest = join(folder, `.s.PGSQL.${POSTGRES_PORT}.lock`)
  if (Buffer.byteLength(longest) <= SOCKET_PATH_LIMIT) return folder
  return `/tmp/sluice-${process.getuid?.() ?? 0}-${hashOf(home)}`
}

/**
 * The home of a stack where its config names none: as root /var/lib/sluice (PostgreSQL refuses
 * root and runs as a user who must be able to reach its data), else the user's state folder.
 */
export function defaultHome(stack: string): string {
  if (process.env['SLUICE_HOME']) return join(process.env['SLUICE_HOME'], stack)
  if (process.getuid?.() === 0) return join('/var/lib/sluice', stack)
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'sluice', stack)
}

/** The ports on loopback, from the one where users reach the router. */
export interface Ports {
  listen: { address: string; port: number }
  /** TCP: the hook's API; UDP: the router's log. */
  hook: number
  prometheus: number
}

/** The router's port is the plan's; the hook takes the next one, Prometheus the one after. */
export function portsOf(plan: Plan): Ports {
  const at = plan.local.listen.lastIndexOf(':')
  const port = Number(plan.local.listen.slice(at + 1))
  return {
    listen: { address: plan.local.listen.slice(0, at), port },
    hook: port + 1,
    prometheus: port + 2,
  }
}

/** Names the socket; nothing listens on TCP. Said everywhere, so that no PGPORT comes between. */
export const POSTGRES_PORT = 5432

/**
 * The address of a database of the supervised PostgreSQL server; no password, only its socket.
 * Read alike by libpq (pg_dump, psql) and by the pg library.
 * @param port another one for a restored copy, which stands on the same folder for a while
 */
export function databaseUrl(layout: Layout, database: string, port = POSTGRES_PORT): string {
  const host = encodeURIComponent(layout.postgres.socketFolder)
  return `postgres://sluice@localhost:${port}/${database}?host=${host}`
}

/** The variables that carry the addresses of the plan's databases. */
export function databaseEnvironment(plan: Plan, layout: Layout): Record<string, string> {
  return Object.fromEntries(
    Object.entries(plan.local.postgres?.databases ?? {}).map(([database, variable]) => [
      variable,
      databaseUrl(layout, database),
    ]),
  )
}
