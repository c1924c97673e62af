import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { commandEnvironment, runCommand } from '../../hooks/command.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import { world } from '../rollout/world.ts'

const node = (script: string) => [process.execPath, '-e', script]
const environment = { PATH: process.env['PATH'] }
const run = (script: string, timeoutMs = 20_000) =>
  runCommand({ run: node(script), environment, timeoutMs })

/** One that has ended and that nobody has asked about yet does not run. */
function isRunning(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return state.status === 0 && !state.stdout.startsWith('Z')
}

test('a command that ends with 0 is done, and the end of what it said is kept', async () => {
  const done = await run('process.stdout.write("x".repeat(5000) + "end")')
  expect(done).toMatchObject({ ok: true, code: 0 })
  expect(done.output).toHaveLength(2_000)
  expect(done.reason).toMatch(/^exit code 0: x+end$/)
})

test('another exit code is a failure that names it, with what was said on stderr', async () => {
  const failed = await run('console.error("no table orders"); process.exitCode = 3')
  expect(failed).toMatchObject({ ok: false, code: 3 })
  expect(failed.reason).toContain('exit code 3: no table orders')
})

test('a program that is not there is a failure and not a crash', async () => {
  const failed = await runCommand({ run: ['no-such-program'], environment, timeoutMs: 1_000 })
  expect(failed).toMatchObject({
    ok: false,
    reason: 'no-such-program could not be started: is not there, or may not be run',
  })
})

test('no shell reads the arguments', async () => {
  const echoed = await runCommand({
    run: [...node('process.stdout.write(process.argv[1])'), '$(id); "a b"'],
    environment,
    timeoutMs: 20_000,
  })
  expect(echoed.output).toBe('$(id); "a b"')
})

test('a timeout ends the whole group, and what the command started too', async () => {
  const started = await run(
    `const child = require('node:child_process').spawn(process.execPath,
       ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { stdio: 'ignore' })
     console.log(child.pid); setInterval(() => {}, 1000)`,
    1_500,
  )
  expect(started.reason).toMatch(/^ended after 1\.5s/)
  await expect.poll(() => isRunning(Number(started.output.trim()))).toBe(false)
})

test("one command's output goes into the other, and both must end well", async () => {
  const copy = (code: number) =>
    runCommand({
      run: node(`process.stdout.write('carts: 3'); process.exitCode = ${code}`),
      into: node('process.stdin.on("data", (text) => process.stdout.write("read " + text))'),
      environment,
      timeoutMs: 20_000,
    })
  expect(await copy(0)).toMatchObject({ ok: true, output: 'read carts: 3' })
  expect(await copy(4)).toMatchObject({ ok: false, code: 4 })
})

test('a command knows the rollout, the position, the service, and the variables passed on', () => {
  const { plan } = world('start')
  process.env['SLUICE_TEST_SECRET'] = 'abc'
  const given = commandEnvironment(
    { plan, layout: layoutOf('/tmp/none'), position: 'api@10', service: 'api' },
    { MODE: 'copy', SECRET: 'env:SLUICE_TEST_SECRET' },
  )
  delete process.env['SLUICE_TEST_SECRET']
  expect(given).toMatchObject({
    SLUICE_ROLLOUT: 'shop',
    SLUICE_POSITION: 'api@10',
    SLUICE_SERVICE: 'api',
    MODE: 'copy',
    SECRET: 'abc',
  })
})
