import * as pulumi from '@pulumi/pulumi'
import type { PlatformReference } from '../platforms/reference.ts'
import type { Plan } from '../rollout/plan.ts'
import { planText } from '../rollout/plan-text.ts'
import type { ServiceWeights } from '../rollout/weights.ts'

/** What one stack update asks for, as the resources of a traffic step take it. */
export interface StepRequest {
  platform: PlatformReference
  plan: Plan
  planHash: string
  /** sluice:step */
  position: string
  /** sluice:attempt */
  attempt: number
  /** sluice:confirmed */
  confirmed: string[]
  /** sluice:clock */
  clock: number
  /** sluice:environment, where the plan has environments */
  environment?: string
}

/**
 * A backup of the plan. It is taken anew, and verified, whenever a rise waits for it and the last
 * one is stale; the preview then shows `stale: false => true`.
 */
export class Backup extends pulumi.CustomResource {
  declare readonly id: pulumi.Output<string>
  constructor(
    name: string,
    args: StepRequest & { backup: string },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      'sluice:index:Backup',
      name,
      { ...args, plan: planText(args.plan), stale: undefined, record: undefined },
      opts,
    )
  }
}

/**
 * The weights that this update may set, computed by the provider's Check from the journal and the
 * live weights. Everything that sets weights takes its output, never the config, so that an
 * admission that was skipped raises nothing.
 */
export class Admission extends pulumi.CustomResource {
  declare readonly weights: pulumi.Output<ServiceWeights>
  constructor(name: string, args: StepRequest, opts?: pulumi.CustomResourceOptions) {
    super(
      'sluice:index:Admission',
      name,
      {
        ...args,
        plan: planText(args.plan),
        weights: undefined,
        previous: undefined,
        latch: undefined,
      },
      opts,
    )
  }
}

/** Reads the live weights back, and only then records the position as verified. */
export class Verification extends pulumi.CustomResource {
  constructor(
    name: string,
    args: StepRequest & { weights: pulumi.Input<ServiceWeights> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super('sluice:index:Verification', name, { ...args, plan: planText(args.plan) }, opts)
  }
}

/** Fails the update while a rollback is not acknowledged. Nothing depends on it. */
export class Verdict extends pulumi.CustomResource {
  constructor(
    name: string,
    args: Omit<StepRequest, 'plan' | 'confirmed' | 'clock' | 'environment'> & {
      services: string[]
    },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super('sluice:index:Verdict', name, { ...args, latch: undefined }, opts)
  }
}

export interface TrafficStepArgs extends StepRequest {
  /** What must stand before anything of the step is looked at. */
  after: pulumi.Resource[]
  weigh: Weigh
}

/**
 * Declares what sets the weights of one service on the platform. It is given the weights that were
 * admitted, as an output of the admission, and takes them from nowhere else.
 */
export type Weigh = (
  service: string,
  weights: pulumi.Output<{ blue: number; green: number }>,
  opts: pulumi.CustomResourceOptions,
) => pulumi.Resource

/**
 * One traffic step, in the order that makes it safe: backup → admission → weights → verification
 * → verdict.
 *
 * @example
 * new TrafficStep('huntred', { ...request, weigh: (service, weights, opts) =>
 *   new Weights(`weights-${service}`, { platform, service, ...split }, opts) })
 */
export class TrafficStep extends pulumi.ComponentResource {
  /** The admitted weights, by service. */
  readonly weights: pulumi.Output<ServiceWeights>

  constructor(name: string, args: TrafficStepArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:index:TrafficStep', name, {}, opts)
    const { weigh, after, ...request } = args
    const child = (dependsOn: pulumi.Resource[]): pulumi.CustomResourceOptions => ({
      parent: this,
      dependsOn,
    })

    const backups = Object.keys(args.plan.backups).map(
      (backup) => new Backup(`backup-${backup}`, { ...request, backup }, child(after)),
    )
    const admission = new Admission('admission', request, child([...after, ...backups]))
    const weighed = Object.keys(args.plan.services).map((service) =>
      weigh(
        service,
        admission.weights.apply((weights) => weights[service] ?? { blue: 100, green: 0 }),
        child([admission]),
      ),
    )
    const verification = new Verification(
      'verification',
      { ...request, weights: admission.weights },
      child(weighed),
    )
    const { platform, planHash, position, attempt } = request
    new Verdict(
      'verdict',
      { platform, planHash, position, attempt, services: Object.keys(args.plan.services) },
      child([verification, ...weighed]),
    )

    this.weights = admission.weights
    this.registerOutputs({ weights: this.weights })
  }
}
