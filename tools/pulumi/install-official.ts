// Pulumi's own installer, into the cache. Silent where the network does not let it through.
import { rmSync } from 'node:fs'
import path from 'node:path'
import { ensureEntry, entryName, findEntry } from '../cache.ts'
import { isExecutable } from '../programs.ts'
import { type Say, withProgress } from '../progress.ts'
import { engineVersion } from './build-engine.ts'

const entry = () =>
  entryName('pulumi-official', engineVersion, `${process.platform} ${process.arch}`)

/** The folder of an official Pulumi that has been installed into the cache before. */
export function installedOfficial(): string | undefined {
  const found = findEntry(entry())
  return found && path.join(found, 'bin')
}

/** The folder of the official Pulumi, or undefined when its installer cannot be used from here. */
export async function tryInstallOfficial(say: Say): Promise<string | undefined> {
  if (!(await installerAnswers())) return undefined
  try {
    const installed = await ensureEntry(
      entry(),
      async (directory) => {
        // Imported only here: the automation API takes half a second to load. It installs the
        // version of the SDK, which is the engine's.
        const { PulumiCommand } = await import('@pulumi/pulumi/automation/index.js')
        await withProgress(
          say,
          `downloading the official distribution ${engineVersion}`,
          (elapsed) => `still downloading, ${elapsed}`,
          () => PulumiCommand.install({ root: directory }),
        )
        for (const program of ['pulumi', 'pulumi-language-nodejs']) {
          if (!isExecutable(path.join(directory, 'bin', program))) {
            rmSync(directory, { recursive: true, force: true })
            throw new Error(`the distribution has no ${program}`)
          }
        }
        return { version: engineVersion }
      },
      { say },
    )
    return path.join(installed, 'bin')
  } catch {
    return undefined // The engine is built instead; nothing is remembered, so it is tried again.
  }
}

/** Asked first, because the installer itself has no time limit. */
async function installerAnswers(): Promise<boolean> {
  try {
    const answer = await fetch('https://get.pulumi.com/install.sh', {
      method: 'HEAD',
      signal: AbortSignal.timeout(4000),
    })
    return answer.ok
  } catch {
    return false
  }
}
