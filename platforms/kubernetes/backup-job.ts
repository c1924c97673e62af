import { setTimeout as pause } from 'node:timers/promises'
import type { BackupRecord } from '../../rollout/journal.ts'
import type { Plan } from '../../rollout/plan.ts'
import { kubernetesPart } from '../../rollout/schema/kubernetes.ts'
import { Refused, Unavailable } from '../platform.ts'
import { ApiError, type ClusterApi, type ClusterObject } from './api.ts'
import { backupJob } from './manifests/backup.ts'
import { configMaps, jobs, objectName, type Place } from './names.ts'

/** A backup with its verification by restore takes no longer. */
const LONGEST_MS = 3_600_000
const LOOK_EVERY_MS = 200

type ConfigMap = ClusterObject & { data?: Record<string, string> }
type Job = ClusterObject & {
  status?: { conditions?: { type: string; status: string; message?: string }[] }
}

/** What a Job of a backup leaves behind, under its own name. */
export type BackupOutcome =
  | { record: BackupRecord }
  | { error: string; kind: 'refused' | 'unavailable' }

/**
 * Takes a backup in a Job beside the database, and verifies it there.
 * @throws Refused where the plan names no runner or claim for it, or it is not proven; Unavailable
 */
export async function takeBackupInJob(
  api: ClusterApi,
  place: Place,
  name: string,
  plan: Plan,
  progress: (message: string) => void,
): Promise<BackupRecord> {
  if (!plan.runner || kubernetesPart(plan).claim === undefined) {
    throw new Refused(
      `backups.${name} is taken in a Job, which needs the plan's runner.image (it has pg_dump) and kubernetes.claim (where it is kept)`,
    )
  }
  const job = backupJob(place, name, plan, Date.now())
  progress(`backup ${name}: Job ${job.metadata.name}`)
  const { metadata } = await api.create<Job>(jobs(place), job)
  const until = performance.now() + LONGEST_MS
  for (;;) {
    const outcome = (await outcomes(api, place))[metadata.name]
    if (outcome) return finished(outcome)
    const { status } = await api.get<Job>(`${jobs(place)}/${metadata.name}`)
    const failed = status?.conditions?.find(
      ({ type, status: is }) => type === 'Failed' && is === 'True',
    )
    const next = `next: kubectl logs -n ${place.namespace} job/${metadata.name}`
    if (failed) throw new Unavailable(`Job ${metadata.name} failed: ${failed.message}; ${next}`)
    if (performance.now() > until)
      throw new Unavailable(`Job ${metadata.name} does not end; ${next}`)
    await pause(LOOK_EVERY_MS)
  }
}

/**
 * Writes down what came of a Job's backup. Several Jobs may be the first at the same time.
 * @throws ApiError, Unavailable
 */
export async function recordOutcome(
  api: ClusterApi,
  place: Place,
  job: string,
  outcome: BackupOutcome,
): Promise<void> {
  const name = objectName(place, 'backups')
  const data = { [job]: JSON.stringify(outcome) }
  const add = () => api.patch(`${configMaps(place)}/${name}`, 'merge', { data })
  const refusedWith = (code: number) => (error: unknown) => {
    if (!(error instanceof ApiError && error.code === code)) throw error
    return 'refused' as const
  }
  if ((await add().catch(refusedWith(404))) !== 'refused') return
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
  // Another Job's may have made it meanwhile.
  if ((await api.create(configMaps(place), map).catch(refusedWith(409))) === 'refused') await add()
}

/** Every backup that a Job has verified, the oldest first. */
export async function listBackups(api: ClusterApi, place: Place): Promise<BackupRecord[]> {
  return Object.values(await outcomes(api, place))
    .flatMap((outcome) => ('record' in outcome ? [outcome.record] : []))
    .sort((a, b) => Date.parse(a.takenAt) - Date.parse(b.takenAt))
}

function finished(outcome: BackupOutcome): BackupRecord {
  if ('record' in outcome) return outcome.record
  throw outcome.kind === 'refused' ? new Refused(outcome.error) : new Unavailable(outcome.error)
}

async function outcomes(api: ClusterApi, place: Place): Promise<Record<string, BackupOutcome>> {
  const found = await api.find<ConfigMap>(`${configMaps(place)}/${objectName(place, 'backups')}`)
  return Object.fromEntries(
    Object.entries(found?.data ?? {}).map(([job, text]) => [job, JSON.parse(text)]),
  )
}
