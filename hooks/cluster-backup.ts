import { ClusterApi } from '../platforms/kubernetes/api.ts'
import { type BackupOutcome, recordOutcome } from '../platforms/kubernetes/backup-job.ts'
import { BACKUP_FOLDER } from '../platforms/kubernetes/manifests/backup.ts'
import type { Place } from '../platforms/kubernetes/names.ts'
import { podAccess, podNamespace } from '../platforms/kubernetes/pod-access.ts'
import { takeBackup } from '../platforms/local/backups.ts'
import { layoutOf } from '../platforms/local/layout.ts'
import { Refused } from '../platforms/platform.ts'
import type { Backup } from '../rollout/plan.ts'

// The Job of one backup: takes it, verifies it, and writes down what came of it.
const [rollout, job, name] = process.argv.slice(2)
const text = process.env['SLUICE_BACKUP']
if (!rollout || !job || !name || !text) {
  process.stderr.write('use: node backup.mjs <rollout> <job> <backup>, with SLUICE_BACKUP\n')
  process.exit(2)
}
const api = new ClusterApi(podAccess())
const place: Place = { name: rollout, namespace: podNamespace() }
const say = (line: string) => process.stdout.write(`${line}\n`)

const outcome = await takeBackup(
  layoutOf(BACKUP_FOLDER),
  name,
  JSON.parse(text) as Backup,
  process.env,
  say,
).then(
  (record): BackupOutcome => ({ record }),
  (error: Error): BackupOutcome => ({
    error: error.message,
    kind: error instanceof Refused ? 'refused' : 'unavailable',
  }),
)
await recordOutcome(api, place, job, outcome)
if ('error' in outcome) say(outcome.error)
