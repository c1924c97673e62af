import * as pulumi from '@pulumi/pulumi'
import type { PlatformReference } from '../../platforms/reference.ts'
import type { Plan } from '../../rollout/plan.ts'
import { planText } from '../../rollout/plan-text.ts'
import type { StepRequest } from '../traffic-step.ts'

/** The folder that holds everything of one rollout on this host, its tokens and its supervisor. */
export class Home extends pulumi.CustomResource {
  declare readonly home: pulumi.Output<string>
  constructor(name: string, args: { home: string }, opts?: pulumi.CustomResourceOptions) {
    super('sluice:local:Home', name, args, opts)
  }
}

/** A supervised PostgreSQL server on a socket, with its databases. Its data outlives it. */
export class Postgres extends pulumi.CustomResource {
  constructor(
    name: string,
    args: {
      home: pulumi.Input<string>
      databases: string[]
      /** Where something in it is critical: how soon a WAL file is archived. */
      archiving?: { timeoutSeconds: number }
    },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super('sluice:local:Postgres', name, args, opts)
  }
}

export interface ProcessArgs {
  home: pulumi.Input<string>
  /**
   * The supervised program's name: `<service>-<colour>` for a colour of a service,
   * `<service>-copier` and `<operation>-operation` for these.
   */
  process: string
  /** Program and arguments; no shell reads it. `node` is the Node that runs Sluice. */
  command: string[]
  /** Added to the environment; env:NAME passes a variable of the deployer on. */
  environment: Record<string, string>
  /** The working folder. */
  folder: string
  /** Databases of the supervised PostgreSQL, each with the variable that carries its address. */
  databases: Record<string, string>
  /** Ready when this address answers 2xx, or when `unix:<path>` listens; default at once. */
  ready?: string
  /** May be deleted once this position is reached; default: see the provider. */
  until?: 'promoted' | 'retired'
}

/** A supervised program: a colour of a service, an operation, the copier of a service's writes. */
export class Process extends pulumi.CustomResource {
  constructor(name: string, args: ProcessArgs, opts?: pulumi.CustomResourceOptions) {
    super('sluice:local:Process', name, args, opts)
  }
}

/**
 * The router. Its weights are not among its inputs: only the hook changes them. What the update
 * asks for is: once it is admitted to `released` the guard is left out, at `retired` blue.
 */
export class Router extends pulumi.CustomResource {
  constructor(
    name: string,
    args: StepRequest & { home: pulumi.Input<string> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      'sluice:local:Router',
      name,
      { ...args, plan: planText(args.plan), services: undefined, config: undefined },
      opts,
    )
  }
}

/** The alarms: Prometheus, with rules made from the plan's guardrails. */
export class Alarms extends pulumi.CustomResource {
  constructor(
    name: string,
    args: { home: pulumi.Input<string>; plan: Plan; clock: number },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      'sluice:local:Alarms',
      name,
      { ...args, plan: planText(args.plan), config: undefined, rules: undefined },
      opts,
    )
  }
}

/** The rollback hook: what judges green and takes it back, with no engine running. */
export class Hook extends pulumi.CustomResource {
  constructor(
    name: string,
    args: {
      home: pulumi.Input<string>
      plan: Plan
      planHash: string
      clock: number
      environment?: string
      folder: string
    },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super('sluice:local:Hook', name, { ...args, plan: planText(args.plan) }, opts)
  }
}

/** The weights of one service on the local router, set through the hook. */
export class Weights extends pulumi.CustomResource {
  constructor(
    name: string,
    args: {
      platform: PlatformReference
      service: string
      blue: pulumi.Input<number>
      green: pulumi.Input<number>
    },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super('sluice:local:Weights', name, args, opts)
  }
}
