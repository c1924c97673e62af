import type { Layout } from '../platforms/local/layout.ts'
import type { ProcessFigures } from '../platforms/local/process-figures.ts'
import type { RolloutEvent, Store } from '../platforms/store.ts'
import type { ArchiveState } from '../rollout/archiving.ts'
import type { BackupRecord } from '../rollout/journal.ts'
import type { Observation } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import type { ServiceWeights } from '../rollout/weights.ts'
import type { GuardedRouter } from './absence.ts'
import type { RouterLine } from './router-log.ts'
import type { Surroundings } from './surroundings.ts'
import type { Charge } from './world.ts'

/**
 * Where a hook stands: all that differs between one platform and the next. The handler itself, the
 * judges and the API are the same on each.
 */
export interface HookSite {
  /** What it is to guard. @throws Error where that cannot be read */
  charge: Charge
  store: Store
  /** The router; one that does not take green's traffic by itself is never suspended. */
  router: GuardedRouter & { saveState?(): Promise<void> }
  /** Where the API listens; port 0 for any. */
  listen: { host: string; port: number }
  /** Bearer tokens: of the API, and of whoever posts alerts; '' where nobody may. */
  token: string
  alertsToken: string
  /** Prometheus' address, without a path. */
  prometheus: string
  /** What tells this rollout's series and alerts apart, where its Prometheus has others too. */
  rollout?: string
  /** Where colours of this host keep their logs, and gates find them. */
  layout: Layout
  /** Colours, commands, files and other environments, as they are reached from here. */
  around: Surroundings

  /**
   * Hears what the router answers to users, until it is closed.
   * @param onLine must not throw
   */
  hear(onLine: (line: RouterLine) => void, onError: (error: unknown) => void): Promise<Hearing>
  /** Keeps another charge, so that the next start finds it. @throws Refused where it cannot be */
  keepCharge(charge: Charge): Promise<void>
  /** The newest events, oldest first. */
  events(limit: number): RolloutEvent[]
  /** Writes the flag file, durably; throws where it cannot. */
  writeFlags(text: string): void | Promise<void>
  /**
   * The weights by which the flag file tells users apart, where the router tells services a user's
   * bucket in its own way; default the live ones.
   */
  flagWeights?(weights: ServiceWeights): ServiceWeights
  /** ms since the hook was last awake; undefined: nobody knows. */
  awayFor(): number | undefined
  /** Says that the hook is awake. */
  beat(): void
  /** The processes behind the colours, where this host has them. */
  processes?(plan: Plan): ProcessFigures[]
  /** The journal of the environment before this one. */
  previous?(charge: Charge): Promise<Observation['previous']>
  /** The continuous archive, where this platform keeps it. */
  archive?: ArchiveKeeper
  /** Takes a backup and verifies it, without recording it. */
  takeBackup(name: string, plan: Plan): Promise<BackupRecord>
}

/** What keeps a continuous archive. */
export interface ArchiveKeeper {
  /** How it stands; undefined where nothing is archived. */
  read(): Promise<ArchiveState | undefined>
  /** Takes a base backup. */
  takeBase(): Promise<void>
}

/** What hears the router. */
export interface Hearing {
  /** Where lines may be sent, on a platform whose router sends them. */
  port?: number
  /** Why nothing is heard at the moment; undefined while it is. */
  trouble?(): string | undefined
  close(): void
}
