import { existsSync } from 'node:fs'
import { readEvents } from '../../platforms/local/file-store.ts'
import { portsOf } from '../../platforms/local/layout.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import { NotDone } from '../errors.ts'
import type { OpenStack } from '../stack.ts'
import type { Measured } from './samples.ts'

/** More events than any rollout has. */
const EVENTS = 20_000

/** What a platform keeps for a report. */
export interface History {
  /** Oldest first. */
  events: RolloutEvent[]
  /** Missing where the platform keeps its metrics itself. */
  measured?: Measured
  /** Where reports are written when nobody says where; undefined: here. */
  folder?: string
}

/**
 * Reads the history of a rollout.
 * @param prometheus where Prometheus is reached from here, where that is another address
 * @throws NotDone where there is none yet
 */
export async function historyOf(stack: OpenStack, prometheus?: string): Promise<History> {
  const { platform } = stack.settings
  if (platform.kind === 'kubernetes') {
    // Only those who are on a cluster load what reads one.
    const { clusterHistory } = await import('./cluster-history.ts')
    return clusterHistory(stack, platform, prometheus)
  }
  if (platform.kind !== 'local') {
    const events = (await stack.platform.events?.(EVENTS)) ?? []
    if (events.length === 0) throw new NotDone('there is no history yet; next: pulumi up')
    return { events }
  }
  const { layout, plan } = stack
  if (!existsSync(layout.hook.events)) {
    throw new NotDone(`${layout.home} has no history yet; next: pulumi up`)
  }
  return {
    events: readEvents(layout, EVENTS),
    measured: {
      prometheus: withoutSlash(prometheus ?? `http://127.0.0.1:${portsOf(plan).prometheus}`),
    },
    folder: layout.reports,
  }
}

/** An address without the slash at its end. */
export const withoutSlash = (address: string) => address.replace(/\/$/, '')
