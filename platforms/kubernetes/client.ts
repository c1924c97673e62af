import type { BackupRecord } from '../../rollout/journal.ts'
import type { Plan } from '../../rollout/plan.ts'
import { GuardedPlatform, type Method } from '../guarded.ts'
import { Away, errorOfAnswer, type Guarded } from '../hook-answer.ts'
import { Unavailable } from '../platform.ts'
import type { KubernetesReference } from '../reference.ts'
import { ClusterApi, type ClusterObject } from './api.ts'
import { listBackups, takeBackupInJob } from './backup-job.ts'
import { existingBackend } from './existing.ts'
import { kubeconfigAccess } from './kubeconfig.ts'
import { holderOf } from './lease.ts'
import { configMaps, HOOK_PORT, objectName, type Place, pods, secrets } from './names.ts'
import { RouteRouter } from './router.ts'
import { ConfigMapStore } from './store.ts'

/** A gateway takes its time to do what it is told; a hook that is gone is told of at once. */
const ROLLBACK_MS = 5_000
/** What is asked may wait for two writes that a gateway has to take. */
const ASK_MS = 45_000

export const AUTHORIZATION = 'x-sluice-authorization'

/** Opens the rollout of a reference with the deployer's own kubeconfig. */
export function openKubernetes(reference: KubernetesReference): KubernetesPlatform {
  const { name, namespace, context } = reference
  return new KubernetesPlatform(new ClusterApi(kubeconfigAccess(context)), { name, namespace })
}

/**
 * A rollout in a cluster from outside. The hook that holds the lease is asked through the API server's
 * proxy, so that whoever may ask it is a matter of the cluster's own roles.
 */
export class KubernetesPlatform extends GuardedPlatform {
  constructor(api: ClusterApi, place: Place) {
    const guarded = () => readGuarded(api, place)
    let plan: Plan | undefined
    const router = new RouteRouter({
      api,
      place,
      backend: (service, colour) => existingBackend(plan, place, service, colour),
    })
    const known = async () => {
      const charge = await guarded()
      plan = charge?.plan
      return charge
    }
    super({
      store: new ConfigMapStore(api, place),
      router,
      ask: (method, path, options) => askHook(api, place, method, path, options),
      rollbackMs: ROLLBACK_MS,
      guarded: known,
      absent: async () => {
        try {
          if (await known()) return undefined
        } catch (error) {
          // That it cannot be seen does not say that it is not there.
          if (error instanceof Unavailable) return undefined
          throw error
        }
        return `nothing is deployed as ${place.name} in namespace ${place.namespace}`
      },
      takeBackup: (backup, of, progress) => takeBackupInJob(api, place, backup, of, progress),
      backups: (): Promise<BackupRecord[]> => listBackups(api, place),
      writeFlags: async (text) => {
        const path = `${configMaps(place)}/${objectName(place, 'flags')}`
        await api.patch(path, 'merge', { data: { 'flags.json': text } })
      },
    })
  }
}

type ConfigMap = ClusterObject & { data?: Record<string, string> }

/** What the hook is to guard, as it stands in the cluster; undefined before the first deployment. */
export async function readGuarded(api: ClusterApi, place: Place): Promise<Guarded | undefined> {
  const found = await api.find<ConfigMap>(`${configMaps(place)}/${objectName(place, 'plan')}`)
  const text = found?.data?.['charge']
  return text === undefined ? undefined : (JSON.parse(text) as Guarded)
}

/** Asks the hook that holds the lease once. */
export async function askHook<T>(
  api: ClusterApi,
  place: Place,
  method: Method,
  path: string,
  { body, timeoutMs = ASK_MS }: { body?: unknown; timeoutMs?: number } = {},
): Promise<T> {
  const away = (why: string) =>
    new Away(
      `the hook of ${place.name} does not answer (${why}); next: kubectl get pods -n ${place.namespace} -l app.kubernetes.io/component=rollback-hook`,
    )
  const [holder, secret] = await Promise.all([
    holderOf(api, place),
    api.find<ConfigMap>(`${secrets(place)}/${objectName(place, 'hook')}`),
  ])
  if (holder === undefined) throw away('none has ever held the lease')
  const token = Buffer.from(secret?.data?.['token'] ?? '', 'base64').toString()
  const asked = api.raw(method, `${pods(place)}/${holder}:${HOOK_PORT}/proxy${path}`, {
    body,
    timeoutMs,
    headers: { [AUTHORIZATION]: `Bearer ${token}` },
  })
  // The API server was there just now: it is the hook that does not answer.
  const answer = await asked.catch((error: Error) => {
    throw away(error.message)
  })
  let value: unknown
  try {
    value = answer.body === '' ? undefined : JSON.parse(answer.body)
  } catch {
    throw away(answer.body.slice(0, 200))
  }
  if (answer.status >= 200 && answer.status < 300) return value as T
  // The API server's own words, not the hook's: it could not reach the pod, or there is none.
  const { kind, message } = (value ?? {}) as { kind?: string; message?: string }
  if (kind === 'Status') throw away(message ?? String(answer.status))
  const { standby } = (value ?? {}) as { standby?: boolean }
  if (standby) throw away(`${holder} is on standby`)
  throw errorOfAnswer(answer.status, value, `${method} ${path}`)
}
