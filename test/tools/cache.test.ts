import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  cacheDirectory,
  ensureEntry,
  entryName,
  findEntry,
  readManifest,
} from '../../tools/cache.ts'
import { checkoutNode } from '../../tools/checkout.ts'
import { saidSomething } from './said-something.ts'

const NAME = 'thing-0000000000000000'
let folder: string
let cache: string
let log: string
const started: ChildProcess[] = []

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'sluice-cache-'))
  cache = path.join(folder, 'cache')
  log = path.join(folder, 'log')
  fs.writeFileSync(log, '')
})

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  delete process.env.SLUICE_VERIFY
  fs.rmSync(folder, { recursive: true, force: true })
})

function builder(how = ''): ChildProcess {
  const program = path.join(import.meta.dirname, 'entry-builder.ts')
  const child = spawn(checkoutNode(), [program, cache, log, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(child)
  return child
}

const logged = () => fs.readFileSync(log, 'utf8')

async function small(): Promise<string> {
  return ensureEntry(
    NAME,
    async (directory) => {
      fs.writeFileSync(path.join(directory, 'program'), 'text')
      fs.symlinkSync('program', path.join(directory, 'link'))
      return { made: 'here' }
    },
    { cache },
  )
}

describe('an entry', () => {
  test('is built once by two processes at once, and the second says that it waits', async () => {
    const both = [builder(), builder()]
    await Promise.all(both.map((child) => once(child, 'close')))
    expect(both.map((child) => child.exitCode)).toEqual([0, 0])
    expect(logged().match(/^build$/gm)).toHaveLength(1)
    expect(logged()).toMatch(/waiting for process \d+/)
    expect(fs.readdirSync(cache)).toEqual([NAME])
  })

  test('whose build was killed in the middle is built again from the start', async () => {
    const first = builder('hang')
    await saidSomething(first)
    first.kill('SIGKILL')
    await once(first, 'close')
    expect(findEntry(NAME, cache)).toBeUndefined()

    const second = builder()
    await once(second, 'close')
    expect(second.exitCode).toBe(0)
    expect(fs.readdirSync(cache)).toEqual([NAME])
    expect(fs.readdirSync(path.join(cache, NAME)).sort()).toEqual([
      'half',
      'manifest.json',
      'whole',
    ])
  })

  test('says what it is, and is not built a second time', async () => {
    const entry = await small()
    expect(readManifest(entry)?.about).toEqual({ made: 'here' })
    expect(readManifest(entry)?.files).toMatchObject({
      link: { link: 'program' },
      program: { size: 4 },
    })
    const never = () => Promise.reject(new Error('built again'))
    await expect(ensureEntry(NAME, never, { cache })).resolves.toBe(entry)
  })

  test('with a file missing, cut short, or a manifest missing is not trusted', async () => {
    const entry = await small()
    fs.writeFileSync(path.join(entry, 'program'), 'tex')
    expect(findEntry(NAME, cache)).toBeUndefined()
    fs.rmSync(path.join(entry, 'program'))
    expect(findEntry(NAME, cache)).toBeUndefined()
    await small()
    expect(findEntry(NAME, cache)).toBe(entry)
    fs.rmSync(path.join(entry, 'manifest.json'))
    expect(findEntry(NAME, cache)).toBeUndefined()
  })

  test('changed within its size is found by a full check', async () => {
    const entry = await small()
    fs.writeFileSync(path.join(entry, 'program'), 'tixt')
    expect(findEntry(NAME, cache)).toBe(entry)
    process.env.SLUICE_VERIFY = '1'
    expect(findEntry(NAME, cache)).toBeUndefined()
  })

  test('leaves nothing behind when its build fails', async () => {
    const failing = ensureEntry(NAME, () => Promise.reject(new Error('no network')), { cache })
    await expect(failing).rejects.toThrow('no network')
    expect(findEntry(NAME, cache)).toBeUndefined()
    await small()
    expect(fs.readdirSync(cache)).toEqual([NAME])
  })
})

test('the name of an entry changes with everything that determines it, and with their borders', () => {
  expect(entryName('a', 'b', 'c')).toBe(entryName('a', 'b', 'c'))
  expect(entryName('a', 'b', 'c')).not.toBe(entryName('a', 'bc', ''))
  expect(entryName('a', 'b')).toMatch(/^a-[0-9a-f]{16}$/)
})

test('the cache stands where SLUICE_CACHE says, else in the usual place', () => {
  expect(cacheDirectory({ SLUICE_CACHE: '/some/where' })).toBe('/some/where')
  const usual = cacheDirectory({ HOME: '/home/somebody' })
  const asRoot = process.getuid?.() === 0
  expect(usual).toBe(asRoot ? '/var/cache/sluice' : '/home/somebody/.cache/sluice')
})

test('a cache that cannot be written is refused with what to type', async () => {
  const file = path.join(folder, 'a-file')
  fs.writeFileSync(file, '')
  const refused = ensureEntry(NAME, async () => ({}), { cache: path.join(file, 'cache') })
  await expect(refused).rejects.toThrow(/cannot be written.*\n.*export SLUICE_CACHE=/)
})
