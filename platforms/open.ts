import type { Platform } from './platform.ts'
import type { PlatformReference } from './reference.ts'

export { nameOf, type PlatformReference } from './reference.ts'

/** One line a platform; what it is made of is loaded only by those who are on it. */
const OPENERS: {
  [K in PlatformReference['kind']]: (
    reference: Extract<PlatformReference, { kind: K }>,
  ) => Promise<Platform>
} = {
  local: async ({ home }) => {
    const [{ LocalPlatform }, { layoutOf }] = await Promise.all([
      import('./local/client.ts'),
      import('./local/layout.ts'),
    ])
    return new LocalPlatform(layoutOf(home))
  },
  kubernetes: async (reference) =>
    (await import('./kubernetes/client.ts')).openKubernetes(reference),
  aws: async (reference) => new (await import('./aws/client.ts')).AwsPlatform(reference),
}

/**
 * Opens a live platform. A new one is a folder beside this file and a line above.
 * @throws Error naming the known kinds
 */
export async function openPlatform(reference: PlatformReference): Promise<Platform> {
  const open = Object.hasOwn(OPENERS, reference.kind) ? OPENERS[reference.kind] : undefined
  if (open) return (open as (reference: PlatformReference) => Promise<Platform>)(reference)
  throw new Error(
    `sluice:platform: "${reference.kind}" is not known; known: ${Object.keys(OPENERS).join(', ')}`,
  )
}
