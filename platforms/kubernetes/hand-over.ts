import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { canonical } from '../../rollout/hash.ts'
import type { Guarded } from '../hook-answer.ts'
import { Unavailable } from '../platform.ts'
import { ApiError, type ClusterApi } from './api.ts'
import { askHook } from './client.ts'
import { configMaps, objectName, type Place, ROLLOUT_LABEL, secrets } from './names.ts'

const LOOK_EVERY_MS = 200

export interface HandOver extends Guarded {
  /** Two minutes by default: a node may have to fetch an image first. */
  timeoutMs?: number
  signal?: AbortSignal
}

/** Makes the hook's token where there is none; it is never read back. */
export async function ensureToken(api: ClusterApi, place: Place): Promise<void> {
  const stringData = { token: randomBytes(32).toString('hex') }
  await createOnce(api, secrets(place), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: labelled(place, 'hook'),
    stringData,
  })
}

/**
 * Writes what is to be guarded, and waits until the hook says that it guards it.
 * @throws Unavailable where it does not in time
 */
export async function handOver(
  api: ClusterApi,
  place: Place,
  { timeoutMs = 120_000, signal, ...charge }: HandOver,
): Promise<void> {
  const name = objectName(place, 'plan')
  const data = { charge: canonical(charge) }
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: labelled(place, 'plan'), data }
  await createOnce(api, configMaps(place), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: labelled(place, 'flags'),
    data: {},
  })
  if (!(await createOnce(api, configMaps(place), body))) {
    await api.patch(`${configMaps(place)}/${name}`, 'merge', { data })
  }
  const until = performance.now() + timeoutMs
  for (;;) {
    const said = await guardedHash(api, place)
    if ('planHash' in said && said.planHash === charge.planHash) return
    const why = 'reason' in said ? said.reason : `it guards ${said.planHash}`
    if (performance.now() > until || signal?.aborted) {
      throw new Unavailable(`the hook does not guard plan ${charge.planHash}: ${why}`)
    }
    await pause(LOOK_EVERY_MS)
  }
}

/** What the hook says that it guards. */
export async function guardedHash(
  api: ClusterApi,
  place: Place,
): Promise<{ planHash: string } | { reason: string }> {
  try {
    return await askHook<{ planHash: string }>(api, place, 'GET', '/healthz', { timeoutMs: 2_000 })
  } catch (error) {
    return { reason: (error as Error).message }
  }
}

function labelled(place: Place, what: 'plan' | 'hook' | 'flags') {
  return {
    name: objectName(place, what),
    namespace: place.namespace,
    labels: { [ROLLOUT_LABEL]: place.name },
  }
}

/** @returns false where it is there already */
async function createOnce(api: ClusterApi, path: string, body: object): Promise<boolean> {
  try {
    await api.create(path, body)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'AlreadyExists') return false
    throw error
  }
}
