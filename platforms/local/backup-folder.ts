import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { BackupRecord } from '../../rollout/journal.ts'
import { writeDurably } from './durable-file.ts'
import type { Layout } from './layout.ts'
import { startOf } from './processes.ts'

/*
 * backups/<name>/<id>/ holds a dump and, written last, its manifest; of a place in the archive the
 * manifest alone. A folder without a manifest is work in progress, of the process that working.json
 * names, or what a killed one left.
 */

const figures = z.object({ rows: z.string(), fingerprint: z.string() })

const common = z.object({
  name: z.string(),
  id: z.string(),
  takenAt: z.string(),
  verifiedAt: z.string().optional(),
  tables: z.record(z.string(), figures),
  bytes: z.number(),
  /** The variable that carries the address, `env:NAME`; never the address. */
  postgres: z.string(),
  database: z.string(),
  /** The tables that it holds, where it is not of all of them. */
  only: z.array(z.string()).optional(),
})

const dumpManifest = common.extend({ sha256: z.string() })

const archivedManifest = common.extend({
  /** Where the figures were read, in the archive of the cluster with this system identifier. */
  point: z.object({ system: z.string(), lsn: z.string(), segment: z.string() }),
  restorable: z.object({ from: z.string(), to: z.string() }),
})

/** What stands beside a dump: the record, and what a restore needs beyond it. No secret. */
export type DumpManifest = z.infer<typeof dumpManifest>

/** What stands for a place in the continuous archive. No secret. */
export type ArchivedManifest = z.infer<typeof archivedManifest>

const manifestSchema = z.union([dumpManifest, archivedManifest])

export type Manifest = z.infer<typeof manifestSchema>

/** True for a place in the archive; what is none is a dump. */
export const isArchived = (manifest: Manifest): manifest is ArchivedManifest => 'point' in manifest

const MANIFEST = 'manifest.json'
const WORKING = 'working.json'
const DUMP = 'database.dump'

/** Work in progress: whose it is and which scratch database belongs to it. */
interface Working {
  pid: number
  started: string
  scratch?: string
}

/** An id that sorts by time: 20270301T120000.000Z-1a2b3c. */
export function newId(now: Date): string {
  return `${now.toISOString().replaceAll(/[-:]/g, '')}-${randomBytes(3).toString('hex')}`
}

export const dumpOf = (folder: string) => join(folder, DUMP)

/**
 * Makes the folder of a new backup and says whose it is.
 * @param scratch the database that belongs to it; none where it needs none
 */
export async function beginFolder(
  layout: Layout,
  name: string,
  id: string,
  scratch?: string,
): Promise<string> {
  const folder = join(layout.backups, name, id)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const working: Working = {
    pid: process.pid,
    started: startOf(process.pid),
    ...(scratch === undefined ? {} : { scratch }),
  }
  writeDurably(join(folder, WORKING), JSON.stringify(working))
  // The dump is readable by its owner alone from its first byte on.
  if (scratch !== undefined) await (await open(dumpOf(folder), 'wx', 0o600)).close()
  return folder
}

/** Writes the manifest, from which moment on the backup exists. */
export async function completeFolder(folder: string, manifest: Manifest): Promise<void> {
  writeDurably(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`)
  await syncFolder(dirname(folder))
  await syncFolder(dirname(dirname(folder)))
  await rm(join(folder, WORKING), { force: true })
}

/** Every complete backup, the oldest first, as the folder has it. */
export async function readRecords(layout: Layout): Promise<BackupRecord[]> {
  return (await readManifests(layout)).map(({ manifest, folder }) => recordOf(manifest, folder))
}

/** The manifest of every complete backup, the oldest first, and the folder that it stands in. */
export async function readManifests(
  layout: Layout,
): Promise<{ manifest: Manifest; folder: string }[]> {
  const found: { manifest: Manifest; folder: string }[] = []
  for (const name of await entries(layout.backups)) {
    for (const id of await entries(join(layout.backups, name))) {
      const folder = join(layout.backups, name, id)
      const manifest = await readManifest(folder).catch(() => undefined)
      if (manifest) found.push({ manifest, folder })
    }
  }
  return found.sort((a, b) => (a.manifest.id < b.manifest.id ? -1 : 1))
}

/** What the journal is told of a manifest. */
export function recordOf(manifest: Manifest, folder: string): BackupRecord {
  const { name, id, takenAt, verifiedAt, tables, bytes } = manifest
  const record = { name, id, takenAt, verifiedAt, tables, bytes, location: folder }
  return isArchived(manifest) ? { ...record, restorable: manifest.restorable } : record
}

/** @throws Error when it is missing or makes no sense */
export async function readManifest(folder: string): Promise<Manifest> {
  return manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')))
}

/**
 * Removes the older of a name's complete backups; the newest `keep` stay.
 * @param counts which of them; default all
 */
export async function removeOlder(
  layout: Layout,
  name: string,
  keep: number,
  counts: (manifest: Manifest) => boolean = () => true,
): Promise<string[]> {
  const ids = (await readManifests(layout))
    .filter(({ manifest }) => manifest.name === name && counts(manifest))
    .map(({ manifest: { id } }) => id)
  const older = ids.slice(0, Math.max(0, ids.length - keep))
  for (const id of older) await removeFolder(join(layout.backups, name, id))
  return older
}

/**
 * Removes what killed runs of a name have left.
 * @returns the scratch databases that belonged to them
 */
export async function removeInterrupted(layout: Layout, name: string): Promise<string[]> {
  const scratch: string[] = []
  for (const id of await entries(join(layout.backups, name))) {
    const folder = join(layout.backups, name, id)
    const files = await entries(folder)
    if (files.includes(MANIFEST)) continue
    const working = await readWorking(folder)
    if (working && startOf(working.pid) === working.started) continue
    if (working?.scratch !== undefined) scratch.push(working.scratch)
    await removeFolder(folder)
  }
  return scratch
}

/** The manifest goes first: a removal that is interrupted leaves no record of a lost dump. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(join(folder, MANIFEST), { force: true })
  await rm(folder, { recursive: true, force: true })
}

/** Forces a file's content onto the disk; returns its size and its SHA-256. */
export async function sealFile(file: string): Promise<{ bytes: number; sha256: string }> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { bytes: (await stat(file)).size, sha256: await sha256Of(file) }
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function readWorking(folder: string): Promise<Working | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, WORKING), 'utf8'))
  } catch {
    return undefined
  }
}

async function entries(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
