import * as pulumi from '@pulumi/pulumi'
import type { KubernetesReference } from '../../platforms/reference.ts'
import type { Plan } from '../../rollout/plan.ts'
import { planText } from '../../rollout/plan-text.ts'

/** The hook's tokens, made in the cluster and kept there: they never come into a state. */
export class Tokens extends pulumi.CustomResource {
  constructor(
    name: string,
    args: { platform: KubernetesReference },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super('sluice:kubernetes:Tokens', name, args, opts)
  }
}

/** Hands the plan to the hook, and is there once the hook says that it guards it. */
export class Guard extends pulumi.CustomResource {
  constructor(
    name: string,
    args: {
      platform: KubernetesReference
      plan: Plan
      planHash: string
      clock: number
      environment?: string
      /** Of the hook's own code: another one is proved anew. */
      code: string
    },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super('sluice:kubernetes:Guard', name, { ...args, plan: planText(args.plan) }, opts)
  }
}
