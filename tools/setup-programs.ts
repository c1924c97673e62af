// Finds the local platform's programs on the system, and gets those that are missing or too old.
import * as fs from 'node:fs'
import path from 'node:path'
import { ensureEntry, entryName } from './cache.ts'
import { printedBy } from './child.ts'
import { distribution, hasApt, unpackGroup } from './debian.ts'
import type { ProgramGroup } from './program-list.ts'
import { isExecutable, pathDirectories, type ToolRecord, usualDirectories } from './programs.ts'
import type { Say } from './progress.ts'
import { atLeast, parseVersion } from './versions.ts'

/** Raised when the recipe of an entry changes, so that an old one is not taken for a new one. */
const RECIPE = 1

/** Where a group's programs are. */
export type Found = { version: string; paths: { [program: string]: string } }

/** A group as the last set-up left it, if no file has changed since: then nothing is started. */
export function recorded(group: ProgramGroup, record: ToolRecord): Found | undefined {
  const paths: Found['paths'] = {}
  let version = ''
  for (const program of group.programs) {
    const known = record.programs[program]
    const stat = known && fs.statSync(known.path, { throwIfNoEntry: false })
    if (!stat || stat.size !== known.size || stat.mtimeMs !== known.modified) return undefined
    paths[program] = known.path
    version = known.version
  }
  return { version, paths }
}

/** A group's programs on PATH and in the usual folders, if they are there, start and are new enough. */
export function onSystem(
  group: ProgramGroup,
  directories = systemDirectories(),
): Found | undefined {
  const holds = (directory: string, program: string) => isExecutable(path.join(directory, program))
  if (group.together) {
    for (const directory of directories) {
      if (!group.programs.every((program) => holds(directory, program))) continue
      const paths = group.programs.map((program) => [program, path.join(directory, program)])
      const found = checked(group, Object.fromEntries(paths))
      if (found) return found
    }
    return undefined
  }
  const paths: Found['paths'] = {}
  for (const program of group.programs) {
    const directory = directories.find((one) => holds(one, program))
    if (!directory) return undefined
    paths[program] = path.join(directory, program)
  }
  return checked(group, paths)
}

/** Gets a group that is not on the system. */
export async function ensureGroup(group: ProgramGroup, say: Say): Promise<Found> {
  const name = entryName(
    group.name,
    `${RECIPE}`,
    distribution(),
    JSON.stringify([group.debian, group.programs]),
  )
  const entry = await ensureEntry(
    name,
    async (directory) => {
      const about = await unpackGroup(group, directory, say)
      if (!checked(group, pathsIn(group, path.join(directory, 'bin')))) {
        const first = path.join(directory, 'bin', group.programs[0] ?? '')
        throw new Error(
          `The unpacked \`${group.programs[0]}\` does not start or is older than ${group.least}:\n` +
            `    ${printedBy(first, group.version).trim().split('\n')[0] || 'it printed nothing'}\n` +
            `Install ${group.name} ${group.least ?? ''} so that it is on PATH, ` +
            'then run `npm run setup` again.',
        )
      }
      return about
    },
    { say },
  )
  const paths = pathsIn(group, path.join(entry, 'bin'))
  return checked(group, paths) ?? { version: 'unknown', paths }
}

/** One message for all that is missing where there is no apt to get it with. */
export function cannotGet(groups: ProgramGroup[]): Error | undefined {
  if (groups.length === 0 || hasApt()) return undefined
  const names = groups.map(({ name, least }) => (least ? `${name} (${least} or newer)` : name))
  return new Error(
    `Missing, and there is no apt-get here to download them with: ${names.join(', ')}.\n` +
      `Install them, then run \`npm run setup\` again. On macOS:\n` +
      `    brew install ${groups.map(({ brew }) => brew).join(' ')}`,
  )
}

function pathsIn(group: ProgramGroup, directory: string): Found['paths'] {
  return Object.fromEntries(group.programs.map((name) => [name, path.join(directory, name)]))
}

/** PATH with its links followed: a link to one program of a server leads to all the others. */
function systemDirectories(): string[] {
  const directories = [...pathDirectories(process.env), ...usualDirectories()]
  const linked = ['postgres'].flatMap((program) =>
    directories.flatMap((directory) => {
      const file = path.join(directory, program)
      return isExecutable(file) ? [path.dirname(fs.realpathSync(file))] : []
    }),
  )
  // A wrapper of a Sluice cache on PATH is not the system's.
  const isOurs = (directory: string) => fs.existsSync(path.join(directory, '..', 'manifest.json'))
  return [...new Set([...directories, ...linked])].filter((directory) => !isOurs(directory))
}

/** A program is asked for its version: a file of the right name may be a shim that leads nowhere. */
function checked(group: ProgramGroup, paths: Found['paths']): Found | undefined {
  const [first] = group.programs
  const file = first && paths[first]
  if (!file) return undefined
  // runit's programs print no version: that they are there has to do.
  if (group.version.length === 0) return { version: '', paths }
  const version = parseVersion(printedBy(file, group.version))
  if (version === undefined || (group.least && !atLeast(version, group.least))) return undefined
  if (group.together) {
    const same = (program: string) => parseVersion(printedBy(paths[program] ?? '', group.version))
    if (!group.programs.every((program) => same(program) === version)) return undefined
  }
  return { version, paths }
}
