import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  environmentFile,
  runScript,
  type ServiceSpec,
  shellWord,
  withPlainLog,
} from '../../../platforms/local/run-script.ts'

const folder = mkdtempSync(join(tmpdir(), "sluice run 'script"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const awkward = [
  '',
  ' ',
  "it's",
  "'''",
  '"double"',
  'a b\tc',
  'two\nlines\n',
  '$HOME ${PATH} $(id) `id`',
  '\\',
  '\\n',
  '#x',
  '-n',
  '*',
  '~',
  '!x',
  'ü€😀',
  '&;|<>(){}',
]
const print =
  'process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.VALUE, process.cwd()]))'

function runs(spec: ServiceSpec): unknown {
  const environment = join(folder, 'environment')
  writeFileSync(environment, environmentFile(spec.environment))
  const script = runScript(spec, environment, { root: false })
  return JSON.parse(execFileSync('sh', ['-c', script], { encoding: 'utf8' }))
}

describe('a run script', () => {
  it.each(awkward)('carries the argument and the variable %j exactly', (value) => {
    const command = [process.execPath, '-e', print, '--', value, value]
    const spec = { command, environment: { VALUE: value }, cwd: folder }
    expect(runs(spec)).toEqual([[value, value], value, folder])
  })

  it('refuses what no argument and no name can be', () => {
    expect(() => shellWord('a\0b')).toThrow('NUL')
    expect(() => environmentFile({ 'X; id': '' })).toThrow('no name of a variable')
    expect(() => environmentFile({ SLUICE_ROOT: '/' })).toThrow('SLUICE_ROOT')
  })

  const spec: ServiceSpec = { command: ['x'], environment: {}, cwd: '/', user: 'postgres' }
  const lastLine = (root: boolean, extra: Partial<ServiceSpec> = {}) =>
    runScript({ ...spec, ...extra }, '/e', { root, setpriv: '/bin/setpriv' })
      .split('\n')
      .at(-2)

  it('ends with its supervisor, by the signal that its program stops at', () => {
    expect(lastLine(false)).toBe("exec '/bin/setpriv' '--pdeathsig' 'KILL' '--' 'x'")
    expect(lastLine(false, { stopSignal: 'INT' })).toContain("'--pdeathsig' 'INT'")
    expect(lastLine(false, { deathSignal: 'TERM' })).toContain("'--pdeathsig' 'TERM'")
  })

  it('gives up root where it has to, and refuses where it cannot', () => {
    expect(lastLine(true)).toContain("'--reuid=65534' '--regid=65534' '--clear-groups'")
    expect(() => runScript(spec, '/e', { root: true })).toThrow('setpriv')
  })

  it('puts a plain log aside when it is large', () => {
    const log = join(folder, 'plain.log')
    const script = withPlainLog('#!/bin/sh\nexec 2>&1\necho said\n', log)
    execFileSync('sh', ['-c', script])
    expect(execFileSync('cat', [log], { encoding: 'utf8' })).toBe('said\n')
    writeFileSync(log, 'x'.repeat(10_000_000))
    execFileSync('sh', ['-c', script])
    expect(execFileSync('cat', [log], { encoding: 'utf8' })).toBe('said\n')
  })
})
