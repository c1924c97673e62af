// Gets onto this machine what Sluice needs: Pulumi and the local platform's programs.
//
// `npm run setup` tells about each item; other tasks (--quiet) tell only what had to be done.
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { cacheDirectory } from './cache.ts'
import { recordFile } from './checkout.ts'
import { endWithChildren } from './child.ts'
import { forgetDownloads } from './debian.ts'
import { sluiceEnvironment } from './environment.ts'
import { ensureFirstPreview } from './first-preview.ts'
import { programGroups } from './program-list.ts'
import { readRecord, type ToolRecord } from './programs.ts'
import { duration, type Say } from './progress.ts'
import { ensurePulumi, presentPulumi } from './pulumi/setup-pulumi.ts'
import { cannotGet, ensureGroup, type Found, onSystem, recorded } from './setup-programs.ts'

const quiet = process.argv.includes('--quiet')
const withBench = !process.argv.includes('--without-bench')
const line: Say = (text) => process.stderr.write(`${text}\n`)
const sayFor =
  (item: string): Say =>
  (text) =>
    line(`  ${item}: ${text}`)

/** Sets up what is missing and remembers where everything is. */
export async function setup(): Promise<void> {
  const since = performance.now()
  const before = readRecord()
  const after: ToolRecord = { programs: { ...before.programs } }
  const groups = programGroups.filter((group) => withBench || !group.benchOnly)
  // SLUICE_SYSTEM_PROGRAMS=0 is for trying out the downloads on a machine that has the programs.
  const system = process.env.SLUICE_SYSTEM_PROGRAMS !== '0'
  const present = new Map(
    groups.map((group) => {
      const found = system ? (recorded(group, before) ?? onSystem(group)) : undefined
      return [group.name, found]
    }),
  )
  const missing = groups.filter((group) => !present.get(group.name))
  const impossible = cannotGet(missing)
  if (impossible) throw impossible

  after.pulumi = await pulumi()
  for (const group of groups) {
    const known = present.get(group.name)
    const started = performance.now()
    const found = known ?? (await ensureGroup(group, sayFor(group.name)))
    remember(after, found)
    const name = `${group.name}${found.version && ` ${found.version}`}`
    const where = path.dirname(Object.values(found.paths)[0] ?? '')
    if (!known) line(`  ${name}: ready in ${where}, ${duration(performance.now() - started)}`)
    else if (!quiet) line(`  ${name}: already there, ${where}`)
  }
  write(after, before)
  if (missing.length > 0) await forgetDownloads()
  await ensureFirstPreview(sayFor('pulumi'))
  if (!quiet) line(`Everything is there (${duration(performance.now() - since)}).`)
  warnAboutClosedCache(after)
}

async function pulumi() {
  const known = presentPulumi()
  const started = performance.now()
  const choice = known ?? (await ensurePulumi(sayFor('pulumi')))
  const source = {
    path: 'the official one on PATH',
    official: 'the official one, in the cache',
    built: 'built from its Go module, in the cache',
  }[choice.source]
  if (!known) line(`  pulumi ${choice.version}: ready, ${duration(performance.now() - started)}`)
  else if (!quiet) line(`  pulumi ${choice.version}: already there, ${source}`)
  return choice
}

function remember(record: ToolRecord, found: Found): void {
  for (const [program, file] of Object.entries(found.paths)) {
    const { size, mtimeMs } = statSync(file)
    record.programs[program] = { path: file, version: found.version, size, modified: mtimeMs }
  }
}

function write(record: ToolRecord, before: ToolRecord): void {
  const text = JSON.stringify(record, undefined, 2)
  if (text === JSON.stringify(before, undefined, 2)) return
  mkdirSync(path.dirname(recordFile), { recursive: true })
  const part = `${recordFile}.${process.pid}.part`
  writeFileSync(part, `${text}\n`)
  renameSync(part, recordFile)
}

/** PostgreSQL gives up root, and then has to reach its own program. */
function warnAboutClosedCache(record: ToolRecord): void {
  const cache = cacheDirectory()
  const used = record.programs.postgres?.path.startsWith(`${cache}/`)
  if (process.getuid?.() !== 0 || !used || !existsSync(cache)) return
  for (let folder = cache; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) {
      line(`  postgresql: only root can enter ${folder}, and PostgreSQL does not run as root.`)
      line(`  Type: chmod o+x ${folder}   (or set SLUICE_CACHE to a folder that all may read)`)
    }
  }
}

endWithChildren()
process.umask(0o022)
try {
  await setup()
  // tools/start.mjs runs on any Node, so it cannot import the environment: it is sent.
  process.send?.({ environment: sluiceEnvironment() })
} catch (error) {
  line(`\nThe set-up stopped.\n${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
