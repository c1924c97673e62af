import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from '../platform.ts'
import { ApiError, type ClusterApi } from './api.ts'
import { leasePath } from './lease.ts'
import { configMaps, type Kept, objectName, type Place, pods, secrets } from './names.ts'

const LOOK_EVERY_MS = 200
/** A hook that is told to end has ten seconds. */
const HOOK_GONE_MS = 60_000

/** What a rollout keeps in ConfigMaps that Pulumi does not manage. */
const MAPS = ['latch', 'journal', 'history', 'plan', 'flags'] as const satisfies Kept[]

/**
 * Takes away what a rollout keeps beside what Pulumi made, once no pod of its hook is left that could
 * write it again. Backups stay in their claim, which is the user's own.
 *
 * @param withData the list of backups too
 * @returns the names of what was there, and what stays and where
 * @throws Unavailable where the hook does not end
 */
export async function removeKept(
  api: ClusterApi,
  place: Place,
  { withData }: { withData: boolean },
): Promise<{ removed: string[]; stays: string[] }> {
  await hookGone(api, place)
  const paths = [
    ...[...MAPS, ...(withData ? (['backups'] as const) : [])].map(
      (what) => `${configMaps(place)}/${objectName(place, what)}`,
    ),
    `${secrets(place)}/${objectName(place, 'hook')}`,
    leasePath(place),
  ]
  const removed: string[] = []
  for (const path of paths) {
    const was = await remove(api, path)
    if (was) removed.push(path.split('/').slice(-2).join('/'))
  }
  const list = objectName(place, 'backups')
  const kept = !withData && (await api.find(`${configMaps(place)}/${list}`)) !== undefined
  return {
    removed,
    stays: kept ? [`the backups in their claim, and ConfigMap ${list}, which lists them`] : [],
  }
}

async function hookGone(api: ClusterApi, place: Place): Promise<void> {
  const labelSelector = `sluice.dev/hook=${place.name}`
  for (const until = performance.now() + HOOK_GONE_MS; ; await pause(LOOK_EVERY_MS)) {
    const left = await api.list(pods(place), { labelSelector })
    if (left.length === 0) return
    if (performance.now() > until) {
      throw new Unavailable(
        `${left.length} pods of the hook do not end; next: kubectl get pods -n ${place.namespace} -l ${labelSelector}`,
      )
    }
  }
}

/** @returns false where there was none */
async function remove(api: ClusterApi, path: string): Promise<boolean> {
  try {
    await api.delete(path)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return false
    throw error
  }
}
