import type { RolloutEvent } from '../platforms/store.ts'
import type { Latch } from '../rollout/latch.ts'
import type { ColourName, Plan } from '../rollout/plan.ts'
import type { CommandResult } from './command.ts'

/** What judges and runners reach from where the hook stands: the same questions on every platform. */
export interface Surroundings {
  /**
   * The http address of a path of a colour, past the router: one of each process that answers for it.
   * @returns none where the colour is `none`, or has no address
   * @throws Error where nobody answers for it now
   */
  urlsOf(plan: Plan, service: string, colour: ColourName, path: string): Promise<string[]>
  /** What leads to a colour where both share an address; default nothing. */
  headersOf?(colour: ColourName): Record<string, string>
  /** Runs a command of the plan where this platform runs commands; never throws. */
  run(command: PlanCommand): Promise<CommandResult>
  /** What the plan's `env:NAME` stands for; undefined where it is not set. */
  variable(plan: Plan, name: string): string | undefined | Promise<string | undefined>
  /** The text of a file that the plan names. @throws Error where it cannot be read */
  readFile(file: string): Promise<string>
  /**
   * What another environment of the plan keeps.
   * @returns `here` where it is this one; `missing` where nothing of it is deployed, with where it
   *   was looked for
   */
  environment(plan: Plan, name: string): Promise<'here' | { missing: string } | KeptElsewhere>
}

/** What another environment knows of its own rollbacks. */
export interface KeptElsewhere {
  latch: Latch | undefined
  /** Oldest first. */
  events: RolloutEvent[]
}

/** Why a signal is aborted where only the hook ends: what goes on without it is left to the next one. */
export const LEFT = new Error('the hook stops')

/** A command of the plan. */
export interface PlanCommand {
  /** What it is for, such as `copy` or `gate suite`. */
  what: string
  /** Program and arguments; no shell reads them. */
  run: readonly string[]
  /** Reads what `run` writes to its standard output. */
  into?: readonly string[]
  plan: Plan
  /** The position that the rollout stands at; none before the first deployment. */
  position?: string
  service?: string
  /** Its own variables; `env:NAME` passes one on. */
  environment?: Record<string, string>
  timeoutMs: number
  /** Ends the command; aborted with {@link LEFT}, only what ends with the hook anyway. */
  signal?: AbortSignal
}

/** The variables by which a command knows where it runs. */
export function placeVariables({
  plan,
  position,
  service,
}: Pick<PlanCommand, 'plan' | 'position' | 'service'>): Record<string, string> {
  return {
    SLUICE_ROLLOUT: plan.name,
    ...(position === undefined ? {} : { SLUICE_POSITION: position }),
    ...(service === undefined ? {} : { SLUICE_SERVICE: service }),
  }
}
