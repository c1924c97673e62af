import type * as pulumi from '@pulumi/pulumi'
import type { PlatformReference } from '../platforms/reference.ts'
import type { StepRequest, Weigh } from './traffic-step.ts'

/** What a platform's components are declared from. */
export interface PlatformArgs extends StepRequest {
  /** The checkout: where commands of the plan are started. */
  folder: string
  /** False once the rollout is retired: blue is no longer declared, and so deleted. */
  keepBlue: boolean
}

/** What people need of a platform to finish it by hand: outputs of the stack. */
export interface PlatformOutputs {
  /** On aws: the ARN of the topic with all news, to which a pager subscribes. */
  topic?: pulumi.Output<string>
  /** On aws: the policy that denies a rise while latched, for the role of whoever deploys. JSON. */
  deployerPolicy?: pulumi.Output<string>
}

/** What a platform has declared. */
export interface DeclaredPlatform {
  /** All that must stand before anything of a traffic step is looked at. */
  platform: pulumi.Resource
  weigh: Weigh
  outputs?: PlatformOutputs
}

/**
 * Declares what one platform consists of: both colours, what routes, watches and guards them.
 * @param name of the component that it makes
 */
export type DeclarePlatform = (
  name: string,
  args: PlatformArgs,
  opts: pulumi.ComponentResourceOptions,
) => DeclaredPlatform

/** One line a platform; a platform's SDK is loaded only by the stacks that are on it. */
const DECLARATIONS: Record<PlatformReference['kind'], () => Promise<DeclarePlatform>> = {
  local: async () => (await import('./local/platform.ts')).declareLocally,
  kubernetes: async () => (await import('./kubernetes/platform.ts')).declareInCluster,
  aws: async () => (await import('./aws/platform.ts')).declareOnAws,
}

/** What declares the platform of that kind; its SDK is loaded here. */
export function platformDeclaration(kind: PlatformReference['kind']): Promise<DeclarePlatform> {
  return DECLARATIONS[kind]()
}
