import { LocalPlatform } from './local/client.ts'
import { layoutOf } from './local/layout.ts'
import type { Platform } from './platform.ts'

/** Which live platform, and where. */
export type PlatformReference = { kind: 'local'; home: string }

/**
 * Opens a live platform. A new one is a folder beside this file and a line here.
 * @throws Error naming the known kinds
 */
export function openPlatform(reference: PlatformReference): Platform {
  switch (reference.kind) {
    case 'local':
      return new LocalPlatform(layoutOf(reference.home))
    default:
      throw new Error(
        `sluice:platform: "${(reference as { kind: string }).kind}" is not known; known: local`,
      )
  }
}
