// Where a program is, at run time: no network, no child process, nothing heavy imported.
import * as fs from 'node:fs'
import path from 'node:path'
import { cacheDirectory } from './cache.ts'
import { recordFile } from './checkout.ts'
import { groupOf, programGroups } from './program-list.ts'

/** What the last set-up decided; see tools/setup.ts. */
export type ToolRecord = {
  /** Folders that go to the front of PATH for `pulumi`; none for an official one on PATH. */
  pulumi?: { version: string; directories: string[]; source: 'path' | 'official' | 'built' }
  programs: {
    [name: string]: { path: string; version: string; size: number; modified: number }
  }
}

/** What findProgram looks at; tests hand in their own. */
export type Places = { env?: NodeJS.ProcessEnv; record?: string; directories?: string[] }

/** Reads what the last set-up decided; empty where there was none. */
export function readRecord(file = recordFile): ToolRecord {
  try {
    const record = JSON.parse(fs.readFileSync(file, 'utf8'))
    return { programs: {}, ...record }
  } catch {
    return { programs: {} }
  }
}

/**
 * The absolute path of a program of the local platform: what the last set-up chose, else PATH and
 * the usual folders, else the cache.
 */
export function findProgram(name: string, places: Places = {}): string {
  const env = places.env ?? process.env
  const recorded = readRecord(places.record).programs[name]
  if (recorded && isExecutable(recorded.path)) return recorded.path
  const directories = [...pathDirectories(env), ...(places.directories ?? usualDirectories())]
  for (const directory of [...directories, ...cachedDirectories(name, env)]) {
    const file = path.join(directory, name)
    if (isExecutable(file)) return file
  }
  const group = groupOf(name)
  const known = programGroups.flatMap((one) => one.programs).join(', ')
  throw new Error(
    group
      ? `The program \`${name}\` (${group.name}) is neither on PATH nor in ${cacheDirectory(env)}.\n` +
          'Get it with: npm run setup'
      : `The program \`${name}\` is not on PATH, and Sluice does not bring it (it brings ${known}).\n` +
          'Install it, or correct its name in the plan.',
  )
}

/**
 * The folders of all programs of the local platform that are there, for the PATH of services that
 * look up each other by name, as runsvdir does with runsv.
 */
export function programDirectories(places: Places = {}): string[] {
  const directories = new Set<string>()
  for (const name of programGroups.flatMap((group) => group.programs)) {
    try {
      directories.add(path.dirname(findProgram(name, places)))
    } catch {
      // It is not there: whoever starts it gets findProgram's message.
    }
  }
  return [...directories]
}

/** The folders of PATH; relative ones are left out, as they mean another folder elsewhere. */
export function pathDirectories(env: NodeJS.ProcessEnv): string[] {
  return (env.PATH ?? '').split(path.delimiter).filter((directory) => path.isAbsolute(directory))
}

/** Folders that hold servers' programs but are often missing from an ordinary user's PATH. */
export function usualDirectories(): string[] {
  return [
    ...versioned('/usr/lib/postgresql', (version) => `${version}/bin`),
    ...versioned('/opt/homebrew/opt', (name) => `${name}/bin`, /^postgresql@\d+$/),
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
    '/opt/homebrew/bin',
    '/opt/homebrew/sbin',
  ]
}

/** Whether there is a file that may be executed. */
export function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK)
    return fs.statSync(file).isFile()
  } catch {
    return false
  }
}

function versioned(parent: string, into: (name: string) => string, like = /^\d+$/): string[] {
  const number = (name: string) => Number(name.replace(/\D/g, ''))
  try {
    const names = fs.readdirSync(parent).filter((name) => like.test(name))
    return names.sort((a, b) => number(b) - number(a)).map((name) => path.join(parent, into(name)))
  } catch {
    return []
  }
}

function cachedDirectories(program: string, env: NodeJS.ProcessEnv): string[] {
  const group = groupOf(program)
  if (!group) return []
  const cache = cacheDirectory(env)
  try {
    return fs
      .readdirSync(cache)
      .filter((name) => new RegExp(`^${group.name}-[0-9a-f]{16}$`).test(name))
      .map((name) => path.join(cache, name))
      .filter((entry) => fs.existsSync(path.join(entry, 'manifest.json')))
      .map((entry) => path.join(entry, 'bin'))
  } catch {
    return []
  }
}
