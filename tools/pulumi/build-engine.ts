// Builds the Pulumi engine from its Go module and a language runtime for Node beside it (the engine
// warns about one that stands elsewhere), for a machine that cannot reach the official ones.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ensureEntry, entryName, findEntry } from '../cache.ts'
import { lastLines, printedBy, runChild } from '../child.ts'
import { isExecutable, pathDirectories } from '../programs.ts'
import { type Say, withProgress } from '../progress.ts'
import { compareVersions, parseVersion } from '../versions.ts'

const here = import.meta.dirname
const runtime = path.join(here, 'pulumi-language-nodejs')
const goFile = readFileSync(path.join(here, 'go.mod'), 'utf8')
const module = 'github.com/pulumi/pulumi/pkg/v3'

/** The engine's version: that of the module in go.mod. */
export const engineVersion =
  new RegExp(`^\\s*(?:require )?${module} v(\\S+)`, 'm').exec(goFile)?.[1] ?? 'unknown'

const buildArguments = [
  'build',
  '-v',
  '-trimpath',
  '-tags=osusergo,grpcnotrace',
  `-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${engineVersion}`,
]

function entry(): string {
  return entryName(
    'pulumi-built',
    goFile,
    readFileSync(path.join(here, 'go.sum')),
    ...readdirSync(runtime)
      .sort()
      .map((file) => readFileSync(path.join(runtime, file))),
    JSON.stringify(buildArguments),
    `${process.platform} ${process.arch}`,
  )
}

/** The folder of an engine that has been built before. */
export function builtEngine(): string | undefined {
  const found = findEntry(entry())
  return found && path.join(found, 'bin')
}

/** The folder of the engine, built where it has not been built before. */
export async function ensureBuiltEngine(say: Say): Promise<string> {
  const built = await ensureEntry(
    entry(),
    async (directory) => {
      const go = findGo()
      const bin = path.join(directory, 'bin')
      mkdirSync(bin)
      let compiled = 0
      let downloaded = 0
      const { code, output } = await withProgress(
        say,
        `building the engine ${engineVersion} with ${go}: once on a machine, usually 3 to 5 minutes`,
        (elapsed) =>
          `still building, ${elapsed} of usually 3 to 5 minutes ` +
          `(${downloaded} modules downloaded, ${compiled} packages compiled)`,
        () =>
          runChild(
            go,
            [
              ...buildArguments,
              '-o',
              `${bin}/`,
              `${module}/cmd/pulumi`,
              './pulumi-language-nodejs',
            ],
            {
              cwd: here,
              // GOWORK: a workspace in a folder above is not this module's business.
              env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
              onLine: (line) => {
                if (line.startsWith('go: downloading')) downloaded++
                else if (/^[\w.-]+(\/\S+)*$/.test(line)) compiled++
              },
            },
          ),
      )
      if (code !== 0) {
        throw new Error(
          `Building the Pulumi engine with \`${go} build\` ended with code ${code}:\n` +
            `${lastLines(output)}\n` +
            'If it could not download: set GOPROXY to a module proxy that you can reach.\n' +
            'Or install the official Pulumi (https://www.pulumi.com/docs/install), ' +
            'then run `npm run setup` again.',
        )
      }
      return { engine: engineVersion, go: printedBy(go, ['version']).trim() }
    },
    { say },
  )
  return path.join(built, 'bin')
}

function findGo(): string {
  const usual = ['/usr/local/go/bin', '/opt/homebrew/bin', '/usr/lib/go/bin', '/snap/bin']
  const needed = /^go (\S+)/m.exec(goFile)?.[1] ?? '1.21'
  const remedy =
    `Install Go ${needed} or newer (https://go.dev/dl), or the official Pulumi ` +
    '(https://www.pulumi.com/docs/install), then run `npm run setup` again.'
  const go = [...pathDirectories(process.env), ...usual]
    .map((directory) => path.join(directory, 'go'))
    .find(isExecutable)
  if (!go) {
    throw new Error(
      'Pulumi is not on PATH, its official installer cannot be reached, and there is no Go to ' +
        `build its engine with.\n${remedy}`,
    )
  }
  const version = parseVersion(printedBy(go, ['version']).replace('go version go', '')) ?? '0'
  const fetchesNewer =
    compareVersions(version, '1.21') >= 0 &&
    printedBy(go, ['env', 'GOTOOLCHAIN']).trim() !== 'local'
  if (compareVersions(version, needed) < 0 && !fetchesNewer) {
    throw new Error(`${go} is Go ${version}; the Pulumi engine needs ${needed}.\n${remedy}`)
  }
  return go
}
