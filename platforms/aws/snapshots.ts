import { setTimeout as pause } from 'node:timers/promises'
import {
  AddTagsToResourceCommand,
  CreateDBSnapshotCommand,
  type DBSnapshot,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  type RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds'
import type { BackupRecord } from '../../rollout/journal.ts'
import type { Backup } from '../../rollout/plan.ts'
import { Refused } from '../platform.ts'
import { call, isNamed } from './failures.ts'

/** How many verified snapshots of a backup are kept. */
const KEPT = 5
const POLL_MS = 5_000
/** A snapshot or a scratch instance that takes longer has failed for the step that waits for it. */
const LIMIT_MS = 3_600_000
const VERIFIED = 'sluice:verified'

export interface SnapshotParts {
  rds: RDSClient
  rollout: string
  /** Default five seconds; a simulator is faster. */
  pollMs?: number
}

/**
 * Takes a native snapshot of an RDS instance and waits until it is available; for `verify: restore`
 * also until an instance that is restored from it is, which is deleted then. Tables are not compared:
 * the record has none. What fails leaves no record.
 *
 * @param instance the DBInstanceIdentifier
 */
export async function takeSnapshot(
  parts: SnapshotParts,
  name: string,
  backup: Pick<Backup, 'verify' | 'tables'>,
  instance: string,
  progress: (message: string) => void,
): Promise<BackupRecord> {
  if (backup.tables) {
    throw new Refused(
      `backups.${name}.tables: a snapshot on aws holds the whole instance; next: leave tables out`,
    )
  }
  const { rds, rollout } = parts
  const takenAt = new Date()
  const id = `sluice-${rollout}-${name}-${takenAt.toISOString().replaceAll(/[^0-9]/g, '')}`
  progress(`backup ${name}: snapshot ${id} of ${instance}`)
  await call(
    `rds:CreateDBSnapshot ${instance}`,
    rds.send(
      new CreateDBSnapshotCommand({
        DBInstanceIdentifier: instance,
        DBSnapshotIdentifier: id,
        Tags: tagsOf(rollout, name),
      }),
    ),
  )
  const snapshot = await untilAvailable(parts, id, name, progress)
  if (backup.verify === 'restore') await proveByRestore(parts, id, name, progress)
  const verifiedAt = new Date().toISOString()
  await call(
    `rds:AddTagsToResource ${snapshot.DBSnapshotArn}`,
    rds.send(
      new AddTagsToResourceCommand({
        ResourceName: snapshot.DBSnapshotArn,
        Tags: [{ Key: VERIFIED, Value: verifiedAt }],
      }),
    ),
  )
  await removeOlder(parts, name, progress)
  return recordOf(snapshot, name, takenAt.toISOString(), verifiedAt)
}

/** Every verified snapshot of the rollout, the oldest first. */
export async function listSnapshots({ rds, rollout }: SnapshotParts): Promise<BackupRecord[]> {
  const found: BackupRecord[] = []
  let Marker: string | undefined
  do {
    const page = await call(
      'rds:DescribeDBSnapshots',
      rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual', Marker })),
    )
    for (const snapshot of page.DBSnapshots ?? []) {
      const tag = (key: string) => snapshot.TagList?.find(({ Key }) => Key === key)?.Value
      const [name, verifiedAt] = [tag('sluice:backup'), tag(VERIFIED)]
      if (tag('sluice:rollout') !== rollout || !name || !verifiedAt) continue
      const takenAt = timeIn(snapshot.DBSnapshotIdentifier ?? '') ?? verifiedAt
      found.push(recordOf(snapshot, name, takenAt, verifiedAt))
    }
    Marker = page.Marker
  } while (Marker)
  return found.toSorted((a, b) => Date.parse(a.takenAt) - Date.parse(b.takenAt))
}

async function untilAvailable(
  parts: SnapshotParts,
  id: string,
  name: string,
  progress: (message: string) => void,
): Promise<DBSnapshot> {
  return poll(parts, `snapshot ${id}`, async () => {
    const { DBSnapshots = [] } = await call(
      `rds:DescribeDBSnapshots ${id}`,
      parts.rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id })),
    )
    const [snapshot] = DBSnapshots
    if (snapshot?.Status === 'available') return snapshot
    if (snapshot?.Status === 'failed') {
      throw new Refused(`backup ${name}: RDS says that ${id} failed; next: sluice backup ${name}`)
    }
    progress(
      `backup ${name}: ${snapshot?.Status ?? 'not there yet'} ${snapshot?.PercentProgress ?? 0}%`,
    )
    return undefined
  })
}

/** An instance that comes up from it is the proof; it is deleted whatever came of it. */
async function proveByRestore(
  parts: SnapshotParts,
  id: string,
  name: string,
  progress: (message: string) => void,
): Promise<void> {
  const scratch = `${id}-s`.slice(0, 63)
  progress(`backup ${name}: restoring it into the scratch instance ${scratch}`)
  await call(
    `rds:RestoreDBInstanceFromDBSnapshot ${id}`,
    parts.rds.send(
      new RestoreDBInstanceFromDBSnapshotCommand({
        DBInstanceIdentifier: scratch,
        DBSnapshotIdentifier: id,
        Tags: tagsOf(parts.rollout, name),
        PubliclyAccessible: false,
      }),
    ),
  )
  try {
    await poll(parts, `the scratch instance ${scratch}`, async () => {
      const { DBInstances = [] } = await call(
        `rds:DescribeDBInstances ${scratch}`,
        parts.rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: scratch })),
      )
      const status = DBInstances[0]?.DBInstanceStatus
      progress(`backup ${name}: the scratch instance is ${status}`)
      return status === 'available' ? true : undefined
    })
  } finally {
    await parts.rds
      .send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: scratch, SkipFinalSnapshot: true }))
      .catch((error: Error) => progress(`backup ${name}: ${scratch} is left: ${error.message}`))
  }
}

async function poll<T>(
  { pollMs = POLL_MS }: SnapshotParts,
  what: string,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const until = performance.now() + LIMIT_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > until) {
      throw new Refused(`${what} is not available after an hour; next: aws rds describe-events`)
    }
    await pause(pollMs)
  }
}

async function removeOlder(
  parts: SnapshotParts,
  name: string,
  progress: (message: string) => void,
): Promise<void> {
  const old = (await listSnapshots(parts)).filter((record) => record.name === name).slice(0, -KEPT)
  for (const { id } of old) {
    try {
      await parts.rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: id }))
      progress(`backup ${name}: removed ${id}`)
    } catch (error) {
      if (!isNamed(error, 'DBSnapshotNotFoundFault')) progress(`backup ${name}: ${id} is left`)
    }
  }
}

function tagsOf(rollout: string, name: string) {
  return [
    { Key: 'sluice:rollout', Value: rollout },
    { Key: 'sluice:backup', Value: name },
  ]
}

function recordOf(
  snapshot: DBSnapshot,
  name: string,
  takenAt: string,
  verifiedAt: string,
): BackupRecord {
  return {
    name,
    id: snapshot.DBSnapshotIdentifier ?? '',
    takenAt,
    verifiedAt,
    tables: {},
    bytes: (snapshot.AllocatedStorage ?? 0) * 2 ** 30,
    location: snapshot.DBSnapshotArn ?? '',
  }
}

/** The time in a snapshot's own name, which is when it was asked for: its data is no older. */
function timeIn(id: string): string | undefined {
  const digits = /-(\d{17})$/.exec(id)?.[1]
  const parts = digits && /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(digits)
  if (!parts) return undefined
  const [, year, month, day, hour, minute, second, ms] = parts
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`
}
