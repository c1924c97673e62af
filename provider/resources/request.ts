import { openPlatform, type PlatformReference } from '../../platforms/open.ts'
import type { Platform } from '../../platforms/platform.ts'
import { planOf } from '../../rollout/plan-text.ts'
import type { Request } from '../../rollout/request.ts'
import type { Props } from '../protocol.ts'

/** The part of a resource's inputs that says what the update asks for. */
export function requestOf(inputs: Props): Request {
  return {
    plan: planOf(inputs['plan']),
    planHash: String(inputs['planHash']),
    position: String(inputs['position']),
    attempt: Number(inputs['attempt']),
    confirmed: (inputs['confirmed'] as string[] | undefined) ?? [],
    clock: Number(inputs['clock'] ?? 1),
    environment: inputs['environment'] as string | undefined,
  }
}

/** The live platform that the inputs speak of. */
export function platformOf(inputs: Props): Promise<Platform> {
  return openPlatform(inputs['platform'] as PlatformReference)
}

/** True where a preview shall not look at the platform: pull requests without access to it. */
export function isOffline(): boolean {
  return process.env['SLUICE_OFFLINE'] === '1'
}
