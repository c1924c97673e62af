// The cache that every checkout on a machine shares: one folder an entry, named by a hash of
// everything that determines it, moved into place only when it is complete.
import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { withLock } from './lock.mjs'

const MANIFEST = 'manifest.json'

/** What is in an entry: written last, so that its presence says that the entry is whole. */
export type Manifest = {
  about: Record<string, string>
  files: Record<string, { size: number; sha256: string } | { link: string }>
}

/**
 * The cache's folder. As root it is a system folder, because PostgreSQL gives up root and its
 * unprivileged user must be able to read its own program.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.SLUICE_CACHE) return path.resolve(env.SLUICE_CACHE)
  if (process.getuid?.() === 0) return '/var/cache/sluice'
  return path.join(env.XDG_CACHE_HOME || path.join(env.HOME || homedir(), '.cache'), 'sluice')
}

/** An entry's name: what it is, and a hash of all that determines its content. */
export function entryName(kind: string, ...determinants: (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of determinants) hash.update(`${part.length}:`).update(part)
  return `${kind}-${hash.digest('hex').slice(0, 16)}`
}

/** The path of a whole entry, or undefined when it is missing or damaged. */
export function findEntry(name: string, cache = cacheDirectory()): string | undefined {
  const entry = path.join(cache, name)
  const full = process.env.SLUICE_VERIFY === '1'
  return wholeEntry(entry, full) ? entry : undefined
}

/**
 * The path of an entry, built by `build` into a folder next to it where it is not there yet. Two
 * callers at once wait for each other; a build that was killed leaves nothing that is trusted.
 */
export async function ensureEntry(
  name: string,
  build: (directory: string) => Promise<Record<string, string>>,
  { cache = cacheDirectory(), say = (_line: string) => {} } = {},
): Promise<string> {
  const present = findEntry(name, cache)
  if (present) return present
  prepareCache(cache)
  return withLock(
    path.join(cache, `${name}.lock`),
    async () => {
      const meanwhile = findEntry(name, cache)
      if (meanwhile) return meanwhile
      const entry = path.join(cache, name)
      if (fs.existsSync(entry)) say(`${entry} is damaged: building it again`)
      removeLeftovers(cache, name)
      const staging = path.join(cache, `${name}.building-${randomBytes(4).toString('hex')}`)
      fs.mkdirSync(staging, { mode: 0o755 })
      const about = await build(staging)
      writeManifest(staging, about)
      fs.renameSync(staging, entry)
      return entry
    },
    (pid) => say(`waiting for process ${pid}, which is setting up the same thing`),
  )
}

/** What an entry says about itself, such as the versions of its packages. */
export function readManifest(entry: string): Manifest | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(entry, MANIFEST), 'utf8'))
  } catch {
    return undefined
  }
}

function prepareCache(cache: string): void {
  try {
    fs.mkdirSync(cache, { recursive: true, mode: 0o755 })
    const { mode, uid } = fs.statSync(cache)
    // A folder of mktemp is closed to others; PostgreSQL's user would not reach its program.
    if (uid === 0 && process.getuid?.() === 0 && (mode & 0o055) !== 0o055)
      fs.chmodSync(cache, 0o755)
    fs.accessSync(cache, fs.constants.W_OK)
  } catch (error) {
    throw new Error(
      `The cache folder ${cache} cannot be written (${(error as NodeJS.ErrnoException).code}).\n` +
        'Choose another: export SLUICE_CACHE=/a/folder/of/yours, then run `npm run setup` again.',
    )
  }
}

/** Called with the lock held, so that whatever stands beside the entry belongs to nobody. */
function removeLeftovers(cache: string, name: string): void {
  for (const file of fs.readdirSync(cache)) {
    if (file === name || file.startsWith(`${name}.building-`)) {
      fs.rmSync(path.join(cache, file), { recursive: true, force: true })
    }
  }
}

function writeManifest(directory: string, about: Record<string, string>): void {
  const files: Manifest['files'] = {}
  for (const file of filesIn(directory)) {
    const full = path.join(directory, file)
    const stat = fs.lstatSync(full)
    files[file] = stat.isSymbolicLink()
      ? { link: fs.readlinkSync(full) }
      : { size: stat.size, sha256: sha256(full) }
  }
  const written = path.join(directory, `${MANIFEST}.part`)
  fs.writeFileSync(written, JSON.stringify({ about, files } satisfies Manifest))
  fs.renameSync(written, path.join(directory, MANIFEST))
}

function wholeEntry(entry: string, full: boolean): boolean {
  const manifest = readManifest(entry)
  if (!manifest) return false
  return Object.entries(manifest.files).every(([file, expected]) => {
    const at = path.join(entry, file)
    const stat = fs.lstatSync(at, { throwIfNoEntry: false })
    if (!stat) return false
    if ('link' in expected) return stat.isSymbolicLink() && fs.readlinkSync(at) === expected.link
    return stat.size === expected.size && (!full || sha256(at) === expected.sha256)
  })
}

function filesIn(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort()
}

function sha256(file: string): string {
  const hash = createHash('sha256')
  const descriptor = fs.openSync(file, 'r')
  const buffer = Buffer.alloc(1 << 20)
  try {
    for (;;) {
      const read = fs.readSync(descriptor, buffer)
      if (read === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, read))
    }
  } finally {
    fs.closeSync(descriptor)
  }
}
