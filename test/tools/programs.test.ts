import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { groupOf, type ProgramGroup } from '../../tools/program-list.ts'
import { findProgram, programDirectories, type ToolRecord } from '../../tools/programs.ts'
import { cannotGet, onSystem, recorded } from '../../tools/setup-programs.ts'

let folder: string

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'sluice-programs-'))
})

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true })
})

/** A program that prints one line. */
function program(file: string, printed = '', mode = 0o755): string {
  const full = path.join(folder, file)
  fs.mkdirSync(path.dirname(full), { recursive: true })
  fs.writeFileSync(full, `#!/bin/sh\necho '${printed}'\n`, { mode })
  return full
}

/** Only what the test has made, nothing of this machine. */
function places(record: ToolRecord = { programs: {} }) {
  const file = path.join(folder, 'record.json')
  fs.writeFileSync(file, JSON.stringify(record))
  const env = { PATH: path.join(folder, 'bin'), SLUICE_CACHE: path.join(folder, 'cache') }
  return { env, record: file, directories: [] }
}

describe('findProgram', () => {
  test('takes what the last set-up chose', () => {
    program('bin/haproxy')
    const chosen = program('chosen/haproxy')
    const record = { programs: { haproxy: { path: chosen, version: '2.8', size: 1, modified: 1 } } }
    expect(findProgram('haproxy', places(record))).toBe(chosen)
    fs.rmSync(chosen)
    expect(findProgram('haproxy', places(record))).toBe(path.join(folder, 'bin/haproxy'))
  })

  test('takes PATH before the cache, and passes over a file that cannot be executed', () => {
    const cached = program('cache/haproxy-0123456789abcdef/bin/haproxy')
    program('cache/haproxy-0123456789abcdef/manifest.json')
    expect(findProgram('haproxy', places())).toBe(cached)
    const onPath = program('bin/haproxy', '', 0o644)
    expect(findProgram('haproxy', places())).toBe(cached)
    fs.chmodSync(onPath, 0o755)
    expect(findProgram('haproxy', places())).toBe(onPath)
  })

  test('does not take an entry of the cache that is not whole', () => {
    program('cache/haproxy-0123456789abcdef.building-1/bin/haproxy')
    program('cache/haproxy-0123456789abcdee/bin/haproxy')
    expect(() => findProgram('haproxy', places())).toThrow('npm run setup')
  })

  test('says which program is missing and what to type', () => {
    expect(() => findProgram('initdb', places())).toThrow(
      /`initdb` \(postgresql\) is neither on PATH nor in .*cache\.\nGet it with: npm run setup/,
    )
    expect(() => findProgram('initdv', places())).toThrow(
      /`initdv` is not on PATH, and Sluice does/,
    )
  })

  test('programDirectories has each folder once and leaves out what is missing', () => {
    program('bin/runsv')
    program('bin/sv')
    expect(programDirectories(places())).toEqual([path.join(folder, 'bin')])
  })
})

describe('the system’s programs', () => {
  const group = (name: string): ProgramGroup => groupOf(name)!
  const bin = () => path.join(folder, 'bin')

  test('are taken when new enough, and not when too old', () => {
    program('bin/haproxy', 'HAProxy version 2.6.1')
    expect(onSystem(group('haproxy'), [bin()])?.version).toBe('2.6.1')
    program('bin/haproxy', 'HAProxy version 2.4.9')
    expect(onSystem(group('haproxy'), [bin()])).toBeUndefined()
  })

  test('that are shims which print no version are not taken', () => {
    program('bin/haproxy', 'command not found')
    expect(onSystem(group('haproxy'), [bin()])).toBeUndefined()
  })

  test('of PostgreSQL come from one folder that has all of them in one version', () => {
    const postgresql = group('postgres')
    program('bin/postgres', 'postgres (PostgreSQL) 16.1')
    program('other/postgres', 'postgres (PostgreSQL) 15.4')
    const other = path.join(folder, 'other')
    for (const name of postgresql.programs.slice(1)) program(`other/${name}`, `${name} 15.4`)
    const found = onSystem(postgresql, [bin(), other])
    expect(found?.paths.postgres).toBe(path.join(other, 'postgres'))
    program('other/pg_dump', 'pg_dump 14.2')
    expect(onSystem(postgresql, [bin(), other])).toBeUndefined()
  })

  test('are not started again while the record’s files have not changed', () => {
    const file = program('bin/haproxy', 'HAProxy version 2.6.1')
    const { size, mtimeMs } = fs.statSync(file)
    const known = { path: file, version: '2.6.1', size, modified: mtimeMs }
    const record = { programs: { haproxy: known } }
    expect(recorded(group('haproxy'), record)).toEqual({
      version: '2.6.1',
      paths: { haproxy: file },
    })
    program('bin/haproxy', 'HAProxy version 2.4.10')
    expect(recorded(group('haproxy'), record)).toBeUndefined()
  })

  test('that are missing where there is no apt are named in one message', () => {
    const path = process.env.PATH
    process.env.PATH = folder
    try {
      expect(cannotGet([group('haproxy'), group('sv')])?.message).toMatch(
        /haproxy \(2\.6 or newer\), runit\.\n.*\n {4}brew install haproxy runit/,
      )
      expect(cannotGet([])).toBeUndefined()
    } finally {
      process.env.PATH = path
    }
  })
})
