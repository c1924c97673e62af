import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What each folder may import, beside itself and packages. */
const MAY_IMPORT: Record<string, string[]> = {
  rollout: [],
  policies: ['rollout'],
  platforms: ['rollout', 'tools'],
  hooks: ['rollout', 'platforms', 'tools'],
  provider: ['rollout', 'platforms', 'tools'],
  components: ['rollout', 'platforms', 'provider', 'tools'],
  examples: [],
}
const JOINS_UP = ['stacks', 'cli', 'tools', 'bench']
/** Of what joins things up, nothing but these few files may be imported from below. */
const SHARED_TOOLS = /^tools\/(programs|program-list|checkout|cache|versions)\.ts$/
const ROLLOUT_PACKAGES = ['zod', 'node:crypto']

/** A word in quotes, such as the name of a command, is no keyword. */
const IMPORT = /(?<!['"])(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"\n]+)['"]/g

/** Every import of a checkout that points the wrong way, as `file -> what it imports`. */
function wrongArrows(root: string): string[] {
  return [...Object.keys(MAY_IMPORT), ...JOINS_UP].flatMap((folder) =>
    sources(join(root, folder)).flatMap((file) =>
      [
        ...readFileSync(file, 'utf8')
          .replace(/^\s*(\*|\/\/|\/\*).*$/gm, '')
          .matchAll(IMPORT),
      ]
        .map(([, to]) => to as string)
        .filter((to) => !isRight(root, folder, file, to))
        .map((to) => `${relative(root, file)} -> ${to}`),
    ),
  )
}

function isRight(root: string, folder: string, file: string, to: string): boolean {
  if (!to.startsWith('.')) {
    if (folder !== 'rollout') return true
    // Only the hash needs a digest; the rest of the core computes nothing with node's help.
    return to === 'zod' || (to === 'node:crypto' && file.endsWith(`${sep}hash.ts`))
  }
  const target = relative(root, resolve(dirname(file), to))
  const into = target.split(sep)[0] as string
  if (into === folder || into.endsWith('package.json')) return true
  if (into === '..') return false
  // A bench measures what the tests stand up; nothing else leans on tests.
  if (into === 'test') return folder === 'bench'
  if (JOINS_UP.includes(folder)) return true
  if (into === 'tools' && !SHARED_TOOLS.test(target)) return false
  return MAY_IMPORT[folder]?.includes(into) ?? false
}

function sources(folder: string): string[] {
  let entries: string[] = []
  try {
    entries = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
  return entries
    .filter((name) => /\.m?ts$/.test(name) && !name.split(sep).includes('node_modules'))
    .map((name) => join(folder, name))
}

describe('imports', () => {
  it('point one way', () => {
    expect(sources(join(ROOT, 'rollout')).length).toBeGreaterThan(10)
    expect(wrongArrows(ROOT)).toEqual([])
  })

  it.each([
    ['rollout/plan.ts', "import { x } from '../platforms/platform.ts'"],
    ['rollout/plan.ts', "import { readFileSync } from 'node:fs'"],
    ['rollout/plan.ts', "import { createHash } from 'node:crypto'"],
    ['rollout/plan.ts', "export * from 'yaml'"],
    ['platforms/local/a.ts', "const { x } = await import('../../hooks/daemon.ts')"],
    ['platforms/a.ts', "import type { X } from '../cli/main.ts'"],
    ['platforms/a.ts', "import '../tools/setup.ts'"],
    ['policies/a.ts', "import { x } from '../platforms/platform.ts'"],
    ['components/a.ts', "import { x } from '../stacks/index.ts'"],
    ['hooks/a.ts', "import {\n  x,\n} from '../provider/serve.ts'"],
    ['cli/a.ts', "import { x } from '../test/rollout/plans.ts'"],
  ])('in %s are found when they are wrong: %s', (file, text) => {
    const root = mkdtempSync(join(tmpdir(), 'sluice-arrows-'))
    try {
      mkdirSync(join(root, dirname(file)), { recursive: true })
      writeFileSync(join(root, file), `${text}\n`)
      expect(wrongArrows(root)).toEqual([`${file} -> ${/'([^']+)'/.exec(text)?.[1]}`])
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})

describe('a command of the name import', () => {
  it('is no import', () => {
    const text = "of('import', 'on-rollback', state.export)\nof('from', 'blue')\n"
    expect([...text.matchAll(IMPORT)]).toEqual([])
  })
})

describe('the core', () => {
  it('imports no packages but those it names', () => {
    const packages = sources(join(ROOT, 'rollout')).flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}).*from '([^.'][^']*)'/gm)].map(
        ([, name]) => name as string,
      ),
    )
    expect([...new Set(packages)].sort()).toEqual([...ROLLOUT_PACKAGES].sort())
  })
})
