import { type Command, Option } from 'commander'
import { BACKUP_FOLDER } from '../platforms/kubernetes/manifests/backup.ts'
import { dumpOf } from '../platforms/local/backup-folder.ts'
import { databaseEnvironment, type Layout } from '../platforms/local/layout.ts'
import { type RestoreOptions, restoreBackup, restoreToMoment } from '../platforms/local/restore.ts'
import { formatSpan } from '../rollout/duration.ts'
import type { BackupRecord } from '../rollout/journal.ts'
import type { Backup, Plan } from '../rollout/plan.ts'
import { recover } from './disaster.ts'
import { WrongUse } from './errors.ts'
import { formatTable } from './format.ts'
import { type OpenStack, openStack, type Stack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

interface RestoreFlags extends StackOptions {
  id?: string
  into?: string
  overwriteLive?: boolean
  list?: boolean
  disaster?: boolean
  to?: string
  since?: string
}

/** `sluice restore`: data come back only by this, never by a rollback of traffic. */
export function restore(program: Command): void {
  verb(
    program,
    'restore [name]',
    'restores a backup into a new database and verifies it; the live one stays as it is',
    'sluice restore --list\nsluice restore huntred --into huntred_check\nsluice restore orders --to 2027-03-01T12:00:00Z\nsluice restore --disaster\nsluice restore --disaster --since 2027-03-01T02:40:00Z --overwrite-live',
  )
    .option('--id <id>', 'which one; default: the newest verified')
    .addOption(
      new Option(
        '--to <time>',
        'of a critical backup: as it stood at this moment (RFC 3339), or latest',
      ).conflicts('id'),
    )
    .option('--into <database>', 'name of the new database; it must not exist')
    .addOption(
      new Option(
        '--overwrite-live',
        'puts it in the place of the live database, which is kept aside',
      ).conflicts('into'),
    )
    .option('--list', 'shows the backups there are')
    .option(
      '--disaster',
      'rebuilds all databases of the plan from their backups, where they are empty or missing; with --overwrite-live also where the services of a new machine have begun to fill them',
    )
    .addOption(
      new Option(
        '--since <time>',
        'of a disaster: when users lost it (RFC 3339); only backups from before count, and the time from then on',
      ).conflicts(['id', 'to', 'into', 'list']),
    )
    .action(async (name: string | undefined, flags: RestoreFlags) => {
      if (flags.into !== undefined && !/^[a-z_][a-z0-9_]{0,62}$/.test(flags.into)) {
        throw new WrongUse(
          `--into: "${flags.into}" is no name of a new database; give lower-case letters, digits and _, at most 63`,
        )
      }
      const to = flags.to === undefined ? undefined : momentOf(flags.to, Date.now())
      const stack = await openStack(flags)
      if (stack.settings.platform.kind === 'aws') return listSnapshots(stack, name, flags)
      const { plan, platform } = stack
      if (flags.disaster) {
        if (to !== undefined) throw new WrongUse('--disaster restores the latest; leave --to out')
        const since = flags.since === undefined ? undefined : pastMoment('--since', flags.since)
        const overwriteLive = flags.overwriteLive ?? false
        if (name === undefined)
          return recover(layoutOn(stack, plan), plan, { since, overwriteLive })
        throw new WrongUse('--disaster rebuilds all of them; type: sluice restore --disaster')
      }
      if (flags.since !== undefined) {
        throw new WrongUse(
          '--since is of a disaster; type: sluice restore --disaster --since <time>',
        )
      }
      const records = await platform.backups()
      if (flags.list || name === undefined) {
        say(...recordLines(records, Date.now()))
        if (flags.list) return
        throw new WrongUse('name the backup to restore; type: sluice restore <name>')
      }
      const layout = layoutOn(stack, plan, chooseRecord(records, name, flags.id))
      const options: RestoreOptions = {
        into: flags.into,
        overwriteLive: flags.overwriteLive ?? false,
        environment: { ...process.env, ...databaseEnvironment(plan, layout) },
        progress: (text) => say(`  ${text}`),
      }
      const kept = ({ replaced }: { replaced?: string }) =>
        replaced ? [`the former one is kept as ${replaced}`] : []
      if (to !== undefined) {
        const backup = criticalBackup(plan, name)
        const restored = await restoreToMoment(layout, name, backup, to, options)
        const last = restored.reached
          ? `its last transaction is of ${restored.reached}`
          : 'nothing was written since its base backup'
        say(
          `${name} stands verified in the database ${restored.database}; ${last}`,
          ...kept(restored),
        )
        return
      }
      const record = chooseRecord(records, name, flags.id)
      const restored = await restoreBackup(layout, record, options)
      say(
        `${record.name} ${record.id} stands verified in the database ${restored.database}`,
        ...kept(restored),
      )
    })
}

/** Snapshots are seen here, and restored with AWS' own tools. */
async function listSnapshots(
  { platform }: OpenStack,
  name: string | undefined,
  { list, id }: RestoreFlags,
): Promise<void> {
  const records = await platform.backups()
  if (list || name === undefined) return say(...recordLines(records, Date.now()))
  const record = chooseRecord(records, name, id)
  throw new WrongUse(
    `a backup on aws is restored beside the live database with its own tools, and the services are pointed at it then; type: aws rds restore-db-instance-from-db-snapshot --db-snapshot-identifier ${record.id} --db-instance-identifier <a new name>`,
  )
}

/**
 * Where backups stand on this host.
 * @param record the one that is asked for, where one is
 * @throws WrongUse on every other platform; of a cluster, with how it is restored there
 */
export function layoutOn(stack: Stack, plan: Plan | undefined, record?: BackupRecord): Layout {
  if (stack.settings.platform.kind !== 'kubernetes') return stack.layout
  const claim = plan?.kubernetes?.claim ?? '<kubernetes.claim>'
  const location = record?.location ?? '<location, as sluice restore --list shows it>'
  throw new WrongUse(
    `backups of a cluster stand in its PersistentVolumeClaim ${claim}, which this host does not see. In a pod of ${plan?.runner?.image ?? '<runner.image>'} that mounts it at ${BACKUP_FOLDER}, type: createdb <new database>, then pg_restore --exit-on-error --dbname=<new database> ${dumpOf(location)}`,
  )
}

/**
 * The moment that `--to` means.
 * @throws WrongUse for what is no time of RFC 3339, and for one that is not yet
 */
export function momentOf(text: string, now: number): Date | 'latest' {
  return text === 'latest'
    ? text
    : pastMoment('--to', text, now, ', or latest', '; type: --to latest')
}

function pastMoment(option: string, text: string, now = Date.now(), or = '', next = ''): Date {
  const shape = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
  const at = shape.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) {
    throw new WrongUse(
      `${option}: "${text}" is no moment; give a time with its zone such as 2027-03-01T12:00:00Z${or}`,
    )
  }
  if (at > now) throw new WrongUse(`${option}: ${text} has not been yet${next}`)
  return new Date(at)
}

function criticalBackup(plan: Plan, name: string): Backup {
  const backup = plan.backups[name]
  if (backup?.priority === 'critical') return backup
  const critical = Object.keys(plan.backups).filter(
    (each) => plan.backups[each]?.priority === 'critical',
  )
  throw new WrongUse(
    `--to: only what is archived continuously can be restored to a moment, priority: critical in the plan; that is ${critical.join(', ') || 'none'}; without --to: sluice restore ${name}`,
  )
}

/**
 * The record to restore: the one named, else the newest that is verified.
 * @throws WrongUse naming those there are
 */
export function chooseRecord(
  records: readonly BackupRecord[],
  name: string,
  id?: string,
): BackupRecord {
  const own = records.filter((record) => record.name === name)
  if (own.length === 0) {
    const names = [...new Set(records.map((record) => record.name))].join(', ')
    throw new WrongUse(
      `there is no backup of ${name}; there are ${names || 'none at all'}; type: sluice backup ${name}`,
    )
  }
  const chosen = id
    ? own.find((record) => record.id === id)
    : own.findLast((record) => record.verifiedAt !== undefined)
  if (chosen) return chosen
  throw new WrongUse(
    `${id ? `--id: ${id} is none` : 'none is verified'}; backups of ${name}: ${own.map((record) => record.id).join(', ')}`,
  )
}

function recordLines(records: readonly BackupRecord[], now: number): string[] {
  if (records.length === 0) return ['no backups yet; type: sluice backup']
  return formatTable([
    ['backup', 'id', 'age', 'verified', 'tables', 'bytes', 'every moment since', 'location'],
    ...records.map((record) => [
      record.name,
      record.id,
      formatSpan(now - Date.parse(record.takenAt)),
      record.verifiedAt ? 'yes' : 'no',
      String(Object.keys(record.tables).length),
      String(record.bytes),
      record.restorable?.from ?? '-',
      record.location,
    ]),
  ])
}
