import type { Props } from './values.ts'

/** What a handler knows about the call it answers, and how it talks to the person waiting. */
export interface Context {
  urn: string
  name: string
  type: string
  /**
   * Create and Update are told by the engine. Check, Diff and Read are not: there it is `true` or
   * `false` where it can be concluded (an input is unknown; this process, which serves one phase
   * only, has been told before), and `undefined` where it cannot. Check also runs in every `up`,
   * so nothing that protects may depend on it.
   */
  preview: boolean | undefined
  /** Aborted by Cancel, by the resource's own timeout, or when the engine is gone. */
  signal: AbortSignal
  /** The provider's configuration. */
  config: Props
  /** Shows a step in the resource's row; it vanishes with the next one. */
  progress(message: string): void
  /** Leaves a lasting line under the resource. */
  info(message: string): Promise<void>
  /** Leaves a lasting warning under the resource. */
  warn(message: string): Promise<void>
}

/** Why an input is refused; the reason may have several lines. */
export interface Failure {
  property: string
  reason: string
}

/** What Check returns. */
export interface Checked {
  inputs: Props
  failures?: Failure[]
}

/** One type of resource. Only `create` is needed. */
export interface ResourceType {
  /**
   * Returns the inputs as they shall be, or why they cannot. Called with the previous inputs where
   * there are any (not on create, replace, or with `--target`). What is not known yet arrives as
   * UNKNOWN and must be returned as such.
   */
  check?(ctx: Context, olds: Props | undefined, news: Props): Promise<Checked>
  /** Outputs that nobody can tell before the resource is created; unknown until then. */
  computed?: string[]
  /** What a preview can already tell of the outputs, over `{ ...olds, ...inputs }` and computed. */
  plan?(ctx: Context, inputs: Props, olds: Props | undefined): Promise<Props>
  /**
   * Finds changes beyond those between inputs and outputs; it can add to these, never take away.
   * `changed` alone forces an update, `paths` says what it is about.
   */
  diff?(
    ctx: Context,
    id: string,
    olds: Props,
    news: Props,
  ): Promise<{ changed: boolean; paths?: string[] } | undefined>
  /** Property paths whose change needs a new resource. Without `update`, every change does. */
  replaceOn?: string[]
  deleteBeforeReplace?: boolean
  /** Must adopt what is there already: a kill in here leaves something that no state knows of. */
  create(ctx: Context, inputs: Props): Promise<{ id: string; outputs: Props }>
  update?(ctx: Context, id: string, olds: Props, news: Props): Promise<Props>
  /**
   * Reads what is live, or undefined where it is gone. A key that is left out stays as the state
   * has it; a key that is live no more must be there and undefined. On import there are no olds.
   */
  read?(
    ctx: Context,
    id: string,
    olds: Props | undefined,
    inputs: Props | undefined,
  ): Promise<{ outputs: Props } | undefined>
  delete?(ctx: Context, id: string, olds: Props): Promise<void>
}

/** A provider: its name, its types, and what it does with its configuration. */
export interface ProviderOptions {
  name: string
  version: string
  /** By token, or for stand-ins that take any. */
  types: Record<string, ResourceType> | ((token: string) => ResourceType | undefined)
  configure?(config: Props): Promise<void>
}

/**
 * Thrown by create and update that came half the way. The state keeps the outputs reached, and the
 * next `up` calls update whatever the diff says. Outputs not named keep their old values.
 */
export class Partial extends Error {
  readonly id: string
  readonly outputs: Props

  constructor(message: string, id: string, outputs: Props) {
    super(message)
    this.name = 'Partial'
    this.id = id
    this.outputs = outputs
  }
}
