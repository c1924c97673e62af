import * as pulumi from '@pulumi/pulumi'
import { findPosition, positionsOf } from '../rollout/positions.ts'
import type { ServiceWeights } from '../rollout/weights.ts'
import type { DeclarePlatform, PlatformOutputs } from './platforms.ts'
import { type StepRequest, TrafficStep } from './traffic-step.ts'

export interface BlueGreenArgs extends StepRequest {
  /** The checkout: where commands of the plan are started. */
  folder: string
  /** What the platform declares: see platforms.ts. */
  declare: DeclarePlatform
}

/**
 * A rollout: both colours of every service with what routes, watches, guards and backs them up,
 * and the traffic step that the stack is at.
 *
 * @example
 * new BlueGreen('huntred', {
 *   platform: { kind: 'local', home: '/var/lib/sluice/huntred' },
 *   plan, planHash, position: 'huntred@5', attempt: 1, confirmed: [], clock: 1, folder: '.',
 *   declare: await platformDeclaration('local'),
 * })
 */
export class BlueGreen extends pulumi.ComponentResource {
  readonly weights: pulumi.Output<ServiceWeights>
  readonly outputs: PlatformOutputs

  constructor(name: string, args: BlueGreenArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:index:BlueGreen', name, {}, opts)
    const { folder, declare, ...request } = args
    const asked = findPosition(positionsOf(args.plan), args.position)

    const {
      platform,
      weigh,
      outputs = {},
    } = declare(
      `${name}-platform`,
      { ...request, folder, keepBlue: asked?.kind !== 'retired' },
      { parent: this },
    )
    const step = new TrafficStep(
      `${name}-step`,
      { ...request, after: [platform], weigh },
      { parent: this },
    )
    this.weights = step.weights
    this.outputs = outputs
    this.registerOutputs({ weights: this.weights })
  }
}
