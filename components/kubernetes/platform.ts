import { Provider } from '@pulumi/kubernetes/provider.js'
import * as pulumi from '@pulumi/pulumi'
import { makesJobs } from '../../platforms/kubernetes/manifests/access.ts'
import { manifestsOf } from '../../platforms/kubernetes/manifests/all.ts'
import type { Manifest } from '../../platforms/kubernetes/manifests/common.ts'
import { jobPolicy } from '../../platforms/kubernetes/manifests/job-policy.ts'
import { latchPolicy } from '../../platforms/kubernetes/manifests/latch-policy.ts'
import { routeManifest } from '../../platforms/kubernetes/manifests/service.ts'
import { COLOUR_LABEL, OPERATION_LABEL } from '../../platforms/kubernetes/names.ts'
import { ineffectiveIn, unsupportedIn } from '../../platforms/kubernetes/unsupported.ts'
import type { KubernetesReference } from '../../platforms/reference.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import type { DeclarePlatform, PlatformArgs } from '../platforms.ts'
import { supervisedOperations } from '../supervised-operations.ts'
import { bundleHook } from './bundle.ts'
import { planFiles } from './files.ts'
import { declareObject } from './objects.ts'
import { Guard, Tokens } from './resources.ts'

/**
 * What a rollout declares in a cluster: both colours, what guards them with its least rights, the
 * alert rules, and the policy by which the cluster itself keeps the latch.
 */
export class KubernetesPlatform extends pulumi.ComponentResource {
  constructor(
    name: string,
    args: PlatformArgs & { platform: KubernetesReference; files: Record<string, string> },
    provider: pulumi.ProviderResource | undefined,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('sluice:kubernetes:Platform', name, {}, opts)
    const { platform, plan, planHash, clock, environment, folder, keepBlue, files } = args
    const code = bundleHook(folder)
    const tokens = new Tokens('tokens', { platform }, { parent: this })
    const declared = manifestsOf(platform, {
      ...{ plan, clock, keepBlue, code, files },
      operations: supervisedOperations(args).map(([operation]) => operation),
    }).map((manifest) =>
      declareObject(manifest, {
        parent: this,
        provider,
        dependsOn: [tokens],
        protect: isProtected(manifest, args),
      }),
    )
    const policies = [
      ...latchPolicy(platform, plan),
      ...(makesJobs(plan) ? jobPolicy(platform, plan) : []),
    ].map((manifest) => declareObject(manifest, { parent: this, provider }))
    new Guard(
      'guard',
      { platform, plan, planHash, clock, environment, code: code.hash },
      { parent: this, dependsOn: [...declared, ...policies] },
    )
    this.registerOutputs({})
  }
}

/** What may be torn down in a test or a rehearsal, by name and on purpose. */
const isTornDown = ({ name }: KubernetesReference) => process.env['SLUICE_TEARDOWN'] === name

/**
 * What serves and what guards is not deleted, whatever an update says; blue not before a rollout that
 * is released has been seen.
 */
function isProtected(
  { kind, metadata }: Manifest,
  { platform, plan, position }: PlatformArgs & { platform: KubernetesReference },
): boolean {
  if (isTornDown(platform) || metadata.labels?.[OPERATION_LABEL] !== undefined) return false
  const colour = metadata.labels?.[COLOUR_LABEL]
  const guards = kind === 'Deployment' && colour === undefined
  if (colour !== 'blue') return colour !== undefined || guards
  const asked = findPosition(positionsOf(plan), position)?.kind
  return asked !== 'released' && asked !== 'retired'
}

/** See {@link DeclarePlatform}. */
export const declareInCluster: DeclarePlatform = (name, { platform, ...args }, opts) => {
  if (platform.kind !== 'kubernetes') throw new Error(`${platform.kind} is no cluster`)
  const problems = unsupportedIn(args.plan)
  const files = planFiles(args.plan, args.folder, (problem) => problems.push(problem))
  if (problems.length > 0) throw new pulumi.RunError(problems.join('\n'))
  for (const line of ineffectiveIn(args.plan)) void pulumi.log.warn(line)
  const provider =
    platform.context === undefined
      ? undefined
      : new Provider('cluster', { context: platform.context }, { parent: opts.parent })
  return {
    platform: new KubernetesPlatform(name, { ...args, platform, files }, provider, opts),
    weigh: (service, weights, given) =>
      declareObject(
        routeManifest(platform, args.plan, service, {
          blue: weights.apply(({ blue }) => blue),
          green: weights.apply(({ green }) => green),
        }),
        { ...given, provider, protect: !isTornDown(platform) },
      ),
  }
}
