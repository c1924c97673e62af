import { isAbsolute, resolve } from 'node:path'
import { defaultHome } from './local/layout.ts'

/**
 * Which live platform a rollout is on, and where there. It is an input of every resource of the
 * provider, so it holds no secret and nothing that differs from one deployer to the next.
 */
export type PlatformReference = LocalReference | KubernetesReference | AwsReference

export interface LocalReference {
  kind: 'local'
  /** The folder that holds everything of the rollout. */
  home: string
}

export interface KubernetesReference {
  kind: 'kubernetes'
  /** The rollout's name in the cluster: what its objects are called after. */
  name: string
  namespace: string
  /** The context of the kubeconfig (KUBECONFIG, else ~/.kube/config); default its current one. */
  context?: string
}

export interface AwsReference {
  kind: 'aws'
  /** What everything that Sluice keeps in the account is named by. */
  name: string
  /** Default: the SDK's own chain (AWS_REGION, the profile). Credentials are its chain's too. */
  region?: string
  /**
   * Seconds in which the load balancer's metrics come, alarms are evaluated and the hook is called:
   * 60 on AWS, whatever `sluice:clock` says. A simulator may be faster.
   */
  tick?: number
}

/** The stack's config under `sluice:` as text, and where the stack is. */
export interface ReferenceSource {
  get(key: string): string | undefined
  stack: string
  /** The project's folder: what relative paths start from. */
  project: string
}

/** One line a platform: how the stack's config says where it is. */
const KINDS: { [K in PlatformReference['kind']]: (from: ReferenceSource) => PlatformReference } = {
  local: ({ get, stack, project }) => {
    const home = get('home') ?? defaultHome(stack)
    return { kind: 'local', home: isAbsolute(home) ? home : resolve(project, home) }
  },
  kubernetes: ({ get, stack }) => ({
    kind: 'kubernetes',
    // Not `sluice:name`: the engine takes that for the name of the provider's plugin.
    name: named(get('rollout') ?? stack, 'rollout', 40),
    namespace: named(get('namespace') ?? 'default', 'namespace', 63),
    ...(get('context') === undefined ? {} : { context: get('context') }),
  }),
  aws: ({ get, stack }) => ({
    kind: 'aws',
    // Not `sluice:name`: the engine takes that for the name of the provider's plugin.
    name: named(get('rollout') ?? stack, 'rollout', 40),
    ...(get('region') === undefined ? {} : { region: get('region') }),
    ...(get('tick') === undefined ? {} : { tick: tickOf(get('tick') as string) }),
  }),
}

/**
 * Reads which platform a stack is on.
 * @throws Error with the key of the config, what it says and what it may say
 */
export function referenceFrom(source: ReferenceSource): PlatformReference {
  const kind = source.get('platform') ?? 'local'
  if (Object.hasOwn(KINDS, kind)) return KINDS[kind as PlatformReference['kind']](source)
  throw new Error(
    `sluice:platform: "${kind}" is not known; known: ${Object.keys(KINDS).join(', ')}`,
  )
}

/** What people call the rollout of a reference, as in `sluice teardown <name>`. */
export function nameOf(reference: PlatformReference): string {
  if (reference.kind === 'local') return reference.home.slice(reference.home.lastIndexOf('/') + 1)
  return reference.name
}

function named(text: string, key: string, most: number): string {
  if (text.length <= most && /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(text)) return text
  throw new Error(
    `sluice:${key}: "${text}" names no rollout here; give lower-case letters, digits and -, at most ${most}`,
  )
}

function tickOf(text: string): number {
  const tick = Number(text)
  if (tick === 60) return tick
  if (tick >= 1 && tick < 60 && process.env['AWS_ENDPOINT_URL']) return tick
  throw new Error(
    `sluice:tick: "${text}" is no granularity of AWS, whose metrics come every 60 seconds; leave it out`,
  )
}
