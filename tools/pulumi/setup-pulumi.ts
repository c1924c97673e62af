// Which Pulumi this checkout uses: the user's own, else the official one, else one built from Go.
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { printedBy } from '../child.ts'
import { isExecutable, pathDirectories, type ToolRecord } from '../programs.ts'
import type { Say } from '../progress.ts'
import { parseVersion } from '../versions.ts'
import { builtEngine, engineVersion, ensureBuiltEngine } from './build-engine.ts'
import { installedOfficial, tryInstallOfficial } from './install-official.ts'

export type PulumiChoice = NonNullable<ToolRecord['pulumi']>

const official = (directory: string): PulumiChoice => ({
  version: engineVersion,
  source: 'official',
  directories: [directory],
})

const built = (directory: string): PulumiChoice => ({
  version: engineVersion,
  source: 'built',
  directories: [directory],
})

/** The Pulumi that is there already, without asking the network. */
export function presentPulumi(env: NodeJS.ProcessEnv = process.env): PulumiChoice | undefined {
  const own = officialOnPath(env)
  if (own) {
    const version = parseVersion(printedBy(own, ['version'])) ?? 'unknown'
    return { version, source: 'path', directories: [] }
  }
  const [fromOfficial, fromBuild] = [installedOfficial(), builtEngine()]
  if (fromOfficial) return official(fromOfficial)
  return fromBuild ? built(fromBuild) : undefined
}

/** Gets Pulumi where it is missing. */
export async function ensurePulumi(say: Say): Promise<PulumiChoice> {
  const present = presentPulumi()
  if (present) return present
  const installed = await tryInstallOfficial(say)
  return installed ? official(installed) : built(await ensureBuiltEngine(say))
}

/** An official `pulumi` on PATH whose language host for Node is on PATH too, or beside it. */
export function officialOnPath(env: NodeJS.ProcessEnv): string | undefined {
  const directories = pathDirectories(env).filter((directory) => !isOurs(directory))
  const find = (name: string) =>
    directories.map((directory) => path.join(directory, name)).find(isExecutable)
  const pulumi = find('pulumi')
  if (!pulumi) return undefined
  const beside = path.join(path.dirname(realpathSync(pulumi)), 'pulumi-language-nodejs')
  return isExecutable(beside) || find('pulumi-language-nodejs') ? pulumi : undefined
}

/** A folder of some Sluice cache: on PATH because of an earlier `. ./.envrc`, not the user's own. */
function isOurs(directory: string): boolean {
  return /^pulumi-(built|official)-/.test(path.basename(path.dirname(directory)))
    ? existsSync(path.join(path.dirname(directory), 'manifest.json'))
    : false
}
