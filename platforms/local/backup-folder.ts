import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { BackupRecord } from '../../rollout/journal.ts'
import { writeDurably } from './durable-file.ts'
import type { Layout } from './layout.ts'

/*
 * backups/<name>/<id>/ holds a dump and, written last, its manifest. A folder without a manifest
 * is work in progress, of the process that working.json names, or what a killed one left.
 */

const figures = z.object({ rows: z.string(), fingerprint: z.string() })

const manifestSchema = z.object({
  name: z.string(),
  id: z.string(),
  takenAt: z.string(),
  verifiedAt: z.string().optional(),
  tables: z.record(z.string(), figures),
  bytes: z.number(),
  /** The variable that carries the address, `env:NAME`; never the address. */
  postgres: z.string(),
  database: z.string(),
  sha256: z.string(),
  /** The tables that it holds, where it is not of all of them. */
  only: z.array(z.string()).optional(),
})

/** What stands beside a dump: the record, and what a restore needs beyond it. No secret. */
export type Manifest = z.infer<typeof manifestSchema>

const MANIFEST = 'manifest.json'
const WORKING = 'working.json'
const DUMP = 'database.dump'

/** Work in progress: whose it is and which scratch database belongs to it. */
interface Working {
  pid: number
  started: string
  scratch: string
}

/** An id that sorts by time: 20270301T120000.000Z-1a2b3c. */
export function newId(now: Date): string {
  return `${now.toISOString().replaceAll(/[-:]/g, '')}-${randomBytes(3).toString('hex')}`
}

export const dumpOf = (folder: string) => join(folder, DUMP)

/** Makes the folder of a new backup and says whose it is. */
export async function beginFolder(
  layout: Layout,
  name: string,
  id: string,
  scratch: string,
): Promise<string> {
  const folder = join(layout.backups, name, id)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const working: Working = { pid: process.pid, started: await startOf(process.pid), scratch }
  writeDurably(join(folder, WORKING), JSON.stringify(working))
  // The dump is readable by its owner alone from its first byte on.
  await (await open(dumpOf(folder), 'wx', 0o600)).close()
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
  const records: BackupRecord[] = []
  for (const name of await entries(layout.backups)) {
    for (const id of await entries(join(layout.backups, name))) {
      const folder = join(layout.backups, name, id)
      const manifest = await readManifest(folder).catch(() => undefined)
      if (manifest) records.push(recordOf(manifest, folder))
    }
  }
  return records.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** What the journal is told of a manifest. */
export function recordOf(manifest: Manifest, folder: string): BackupRecord {
  const { name, id, takenAt, verifiedAt, tables, bytes } = manifest
  return { name, id, takenAt, verifiedAt, tables, bytes, location: folder }
}

/** @throws Error when it is missing or makes no sense */
export async function readManifest(folder: string): Promise<Manifest> {
  return manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')))
}

/** Removes the older of a name's complete backups; the newest `keep` stay. */
export async function removeOlder(layout: Layout, name: string, keep: number): Promise<string[]> {
  const ids = (await readRecords(layout)).filter((each) => each.name === name).map(({ id }) => id)
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
    if (working && (await startOf(working.pid)) === working.started) continue
    if (working) scratch.push(working.scratch)
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

/** When a process began, as its kernel counts; a pid that came back is another process. */
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown'
  } catch {
    return isAlive(pid) ? 'unknown' : 'gone'
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
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
