// The environment that everything of this checkout runs in.
import { mkdirSync, readFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import path from 'node:path'
import { cacheDirectory } from './cache.ts'
import { checkout } from './checkout.ts'
import { pathDirectories, programDirectories, readRecord, type ToolRecord } from './programs.ts'

/** What the environment depends on; tests hand in their own. */
export type Surroundings = { env?: NodeJS.ProcessEnv; root?: string; record?: ToolRecord }

/** What has to be added to the environment for `pulumi`, `sluice` and the programs that they start. */
export function sluiceEnvironment({
  env = process.env,
  root = checkout,
  record = readRecord(),
}: Surroundings = {}): NodeJS.ProcessEnv {
  const additions: NodeJS.ProcessEnv = {
    PATH: pathWith(env, root, record),
    PULUMI_SKIP_UPDATE_CHECK: 'true',
  }
  if (!env.USER && !hasName()) additions.USER = `uid-${process.getuid?.()}`
  // Not a URL object: Pulumi takes what stands after file:// as it is, spaces and all.
  const state = path.join(root, '.sluice', 'state')
  const own = `file://${state}`
  if (env.PULUMI_BACKEND_URL === own || !backendIsConfigured(env, root)) {
    mkdirSync(state, { recursive: true })
    additions.PULUMI_BACKEND_URL = own
    // A passphrase only for the backend that is chosen here: elsewhere it may be a real one.
    const { PULUMI_CONFIG_PASSPHRASE: phrase, PULUMI_CONFIG_PASSPHRASE_FILE: file } = env
    if (phrase === undefined && file === undefined) additions.PULUMI_CONFIG_PASSPHRASE = ''
  }
  return additions
}

/** Whether the user has chosen where Pulumi keeps its state. */
export function backendIsConfigured(env: NodeJS.ProcessEnv, root: string): boolean {
  if (env.PULUMI_BACKEND_URL || env.PULUMI_ACCESS_TOKEN) return true
  const home = env.PULUMI_CREDENTIALS_PATH || env.PULUMI_HOME || path.join(homeOf(env), '.pulumi')
  return loggedIn(path.join(home, 'credentials.json')) || projectHasBackend(root)
}

/** The engine asks for the user's name, which a bare number (a container's user) does not have. */
function hasName(): boolean {
  try {
    return userInfo().username !== ''
  } catch {
    return false
  }
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env.HOME || homedir()
}

function loggedIn(file: string): boolean {
  try {
    return Boolean(JSON.parse(readFileSync(file, 'utf8')).current)
  } catch {
    return false
  }
}

/** Read without a YAML parser: this runs at every start of a shell. */
function projectHasBackend(root: string): boolean {
  try {
    return /^backend:/m.test(readFileSync(path.join(root, 'Pulumi.yaml'), 'utf8'))
  } catch {
    return false
  }
}

/** PATH with our folders in front, each once, so that a second `. ./.envrc` changes nothing. */
function pathWith(env: NodeJS.ProcessEnv, root: string, record: ToolRecord): string {
  const cache = `${cacheDirectory(env)}${path.sep}`
  const front = [
    path.join(root, 'cli'),
    ...(record.pulumi?.directories ?? []),
    // Node 24, for the provider, the hooks and the services of a plan; nothing else is in there.
    path.join(root, 'node_modules', 'node', 'bin'),
    // The system's own programs are found where they are; only those of the cache need a place.
    ...programDirectories({ env }).filter((directory) => directory.startsWith(cache)),
  ]
  const rest = pathDirectories(env).filter((directory) => !front.includes(directory))
  return [...front, ...rest].join(path.delimiter)
}
