import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sluiceEnvironment } from '../../tools/environment.ts'
import type { ToolRecord } from '../../tools/programs.ts'
import { officialOnPath } from '../../tools/pulumi/setup-pulumi.ts'
import { shellExports } from '../../tools/shell-quote.ts'

let root: string
let home: string

beforeEach(() => {
  root = fs.mkdtempSync(path.join(tmpdir(), "sluice's checkout "))
  home = path.join(root, 'home')
  fs.mkdirSync(home)
})

afterEach(() => {
  fs.rmSync(root, { recursive: true, force: true })
})

function environment(env: NodeJS.ProcessEnv = {}, record: ToolRecord = { programs: {} }) {
  const base = { PATH: '/usr/bin', HOME: home, SLUICE_CACHE: path.join(root, 'cache') }
  return sluiceEnvironment({ env: { ...base, ...env }, root, record })
}

describe('the backend', () => {
  const own = () => `file://${path.join(root, '.sluice/state')}`

  test('is a folder of the checkout where nothing else is configured', () => {
    expect(environment()).toMatchObject({
      PULUMI_BACKEND_URL: own(),
      PULUMI_CONFIG_PASSPHRASE: '',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
    })
    expect(fs.existsSync(path.join(root, '.sluice/state'))).toBe(true)
  })

  test('stays what PULUMI_BACKEND_URL says, and its passphrase is the user’s business', () => {
    const { PULUMI_BACKEND_URL: url, PULUMI_CONFIG_PASSPHRASE: phrase } = environment({
      PULUMI_BACKEND_URL: 's3://bucket',
    })
    expect([url, phrase]).toEqual([undefined, undefined])
    expect(fs.existsSync(path.join(root, '.sluice'))).toBe(false)
  })

  test('stays the one that the user is logged in to', () => {
    fs.mkdirSync(path.join(home, '.pulumi'))
    const file = path.join(home, '.pulumi/credentials.json')
    fs.writeFileSync(file, JSON.stringify({ current: 'https://api.pulumi.com' }))
    expect(environment().PULUMI_BACKEND_URL).toBeUndefined()
    fs.writeFileSync(file, JSON.stringify({ current: '' }))
    expect(environment().PULUMI_BACKEND_URL).toBe(own())
    expect(environment({ PULUMI_ACCESS_TOKEN: 'pul-1' }).PULUMI_BACKEND_URL).toBeUndefined()
  })

  test('stays that of the project', () => {
    fs.writeFileSync(path.join(root, 'Pulumi.yaml'), 'name: x\nbackend:\n  url: gs://bucket\n')
    expect(environment().PULUMI_BACKEND_URL).toBeUndefined()
    fs.writeFileSync(path.join(root, 'Pulumi.yaml'), 'name: x\n# backend: none\n')
    expect(environment().PULUMI_BACKEND_URL).toBe(own())
  })

  test('is chosen again in an environment that has it already', () => {
    expect(environment({ ...environment() }).PULUMI_BACKEND_URL).toBe(own())
  })

  test('leaves a passphrase alone that is set, or in a file', () => {
    const file = { PULUMI_CONFIG_PASSPHRASE_FILE: '/a/file' }
    expect(environment(file).PULUMI_CONFIG_PASSPHRASE).toBeUndefined()
    const phrase = { PULUMI_CONFIG_PASSPHRASE: 'mine' }
    expect(environment(phrase).PULUMI_CONFIG_PASSPHRASE).toBeUndefined()
  })
})

describe('PATH', () => {
  test('has our folders in front, each once, however often it is made', () => {
    const record: ToolRecord = {
      pulumi: { version: '3.259.0', source: 'built', directories: ['/cache/pulumi/bin'] },
      programs: {},
    }
    const once = environment({}, record)
    const folders = once.PATH?.split(':') ?? []
    expect(folders.slice(0, 2)).toEqual([path.join(root, 'cli'), '/cache/pulumi/bin'])
    expect(folders.at(-1)).toBe('/usr/bin')
    expect(environment({ ...once }, record).PATH).toBe(once.PATH)
  })
})

describe('an official Pulumi', () => {
  const executable = (file: string) => {
    const full = path.join(root, file)
    fs.mkdirSync(path.dirname(full), { recursive: true })
    fs.writeFileSync(full, '#!/bin/sh\n', { mode: 0o755 })
    return full
  }
  const on = (...folders: string[]) => ({
    PATH: folders.map((folder) => path.join(root, folder)).join(':'),
  })

  test('is one that has its language host on PATH or beside it', () => {
    const pulumi = executable('a/pulumi')
    expect(officialOnPath(on('a'))).toBeUndefined()
    executable('b/pulumi-language-nodejs')
    expect(officialOnPath(on('a', 'b'))).toBe(pulumi)
    executable('a/pulumi-language-nodejs')
    expect(officialOnPath(on('a'))).toBe(pulumi)
  })

  test('is not the engine of the cache that an earlier `. ./.envrc` has put on PATH', () => {
    executable('pulumi-built-0123456789abcdef/bin/pulumi')
    executable('pulumi-built-0123456789abcdef/bin/pulumi-language-nodejs')
    executable('pulumi-built-0123456789abcdef/manifest.json')
    expect(officialOnPath(on('pulumi-built-0123456789abcdef/bin'))).toBeUndefined()
  })
})

test('exports survive a shell, whatever is in them', () => {
  const value = `a'b "c" $HOME \`id\` \\ \n*;&`
  const script = `${shellExports({ SLUICE_TRIED: value })}printf %s "$SLUICE_TRIED"`
  expect(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout).toBe(value)
})
