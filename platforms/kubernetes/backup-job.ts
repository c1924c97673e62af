import { setTimeout as pause } from 'node:timers/promises'
import type { BackupRecord } from '../../rollout/journal.ts'
import type { Plan } from '../../rollout/plan.ts'
import { kubernetesPart } from '../../rollout/schema/kubernetes.ts'
import { KEPT } from '../local/backups.ts'
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
 * Writes down what came of a Job's backup, and takes out what is of no use any more. Several Jobs may
 * be the first at the same time.
 * @throws ApiError, Unavailable
 */
export async function recordOutcome(
  api: ClusterApi,
  place: Place,
  job: string,
  outcome: BackupOutcome,
): Promise<void> {
  const name = objectName(place, 'backups')
  for (;;) {
    const found = await api.find<ConfigMap>(`${configMaps(place)}/${name}`)
    const data = { [job]: JSON.stringify(outcome) }
    // Its own outcome is asked for by whoever waits, also where it ended after many later ones.
    const old = outdated(read(found, data)).filter((other) => other !== job)
    const gone = Object.fromEntries(old.map((other) => [other, null]))
    try {
      if (found) {
        await api.patch(`${configMaps(place)}/${name}`, 'merge', { data: { ...data, ...gone } })
      } else {
        const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
        await api.create(configMaps(place), map)
      }
      return
    } catch (error) {
      // Another's made it, or took it away, since it was looked for.
      if (!(error instanceof ApiError && error.code === (found ? 404 : 409))) throw error
    }
  }
}

/**
 * The Jobs whose outcomes nobody asks for any more: of each backup, as many are kept as there are
 * copies, and as many that failed.
 */
function outdated(outcomes: Record<string, BackupOutcome>): string[] {
  // A Job's name ends in its time, by which the newest come first here.
  const timeOf = (job: string) => Number.parseInt(job.slice(job.lastIndexOf('-') + 1), 36)
  const seen: Record<string, number> = {}
  return Object.keys(outcomes)
    .sort((a, b) => timeOf(b) - timeOf(a))
    .filter((job) => {
      const alike = `${job.slice(0, job.lastIndexOf('-'))} ${Object.keys(outcomes[job] ?? {})[0]}`
      seen[alike] = (seen[alike] ?? 0) + 1
      return seen[alike] > KEPT
    })
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
  return read(await api.find<ConfigMap>(`${configMaps(place)}/${objectName(place, 'backups')}`))
}

function read(
  found: ConfigMap | undefined,
  more: Record<string, string> = {},
): Record<string, BackupOutcome> {
  return Object.fromEntries(
    Object.entries({ ...found?.data, ...more }).map(([job, text]) => [job, JSON.parse(text)]),
  )
}
