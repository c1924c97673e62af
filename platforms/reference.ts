import { isAbsolute, resolve } from 'node:path'
import { defaultHome } from './local/layout.ts'

/**
 * Which live platform a rollout is on, and where there. It is an input of every resource of the
 * provider, so it holds no secret and nothing that differs from one deployer to the next.
 */
export type PlatformReference = LocalReference | KubernetesReference

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
    name: named(get('name') ?? stack, 'name', 40),
    namespace: named(get('namespace') ?? 'default', 'namespace', 63),
    ...(get('context') === undefined ? {} : { context: get('context') }),
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
    `sluice:${key}: "${text}" names nothing in a cluster; give lower-case letters, digits and -, at most ${most}`,
  )
}
