import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Layout } from '../../../platforms/local/layout.ts'
import { processesOf, signalProcess, supervisorsOf } from '../../../platforms/local/processes.ts'
import {
  ensureSupervisor,
  installedServices,
  installService,
  reloadService,
  removeService,
  restartService,
  serviceStatus,
  startService,
  stopAll,
  stopService,
  waitFor,
} from '../../../platforms/local/supervisor.ts'
import { freePorts, isFree } from '../../e2e/free-ports.ts'
import { ask, temporaryHome } from './stand.ts'

let layout: Layout
let port: number
beforeEach(async () => {
  layout = temporaryHome()
  port = await freePorts(2)
})
afterEach(async () => {
  await stopAll(layout)
  rmSync(layout.home, { recursive: true, force: true })
})

const server = join(import.meta.dirname, 'colour-server.ts')
const specOf = (name: string, at = port) => ({
  command: [process.execPath, server, name, `${at}`],
  environment: {},
  cwd: layout.home,
})
const answersAs = (name: string, at = port) =>
  waitFor(async () => (await ask(at)).body.startsWith(`${name} `), {
    timeoutMs: 60_000,
    what: `${name} to answer on ${at}`,
  })
const left = () => processesOf(layout.home, layout.postgres.data)
const log = (name: string) => readFileSync(join(layout.logs, `${name}.log`), 'utf8')
const says = (name: string, text: string) =>
  waitFor(() => log(name).includes(text), { timeoutMs: 60_000, what: `${name} to say ${text}` })

async function pidOf(name: string): Promise<number> {
  return (await serviceStatus(layout, name)).pid as number
}

/** The parent of a service: its runsv. */
function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

describe('a service', () => {
  it('comes up, with its log under its name', async () => {
    const before = Date.now()
    const status = await installService(layout, 'talker', {
      command: ['sh', '-c', 'echo "hello $NAME"; exec sleep 1000'],
      environment: { NAME: "o'hara $x" },
      cwd: layout.home,
    })
    expect(status).toMatchObject({ state: 'up', up: true, wanted: 'up' })
    expect(Math.abs((status.since as Date).getTime() - before)).toBeLessThan(60_000)
    await says('talker', "hello o'hara $x")
    expect(statSync(join(layout.services, 'talker', 'environment')).mode & 0o777).toBe(0o600)
  })

  it('is started again when it is killed', async () => {
    const { pid } = await installService(layout, 'api-blue', specOf('blue'))
    await answersAs('blue')
    process.kill(pid as number, 'SIGKILL')
    await waitFor(
      async () => ![undefined, pid].includes((await serviceStatus(layout, 'api-blue')).pid),
      {
        timeoutMs: 60_000,
        what: 'a new process',
      },
    )
    await answersAs('blue')
  })

  it('is left alone while nothing changed, and restarted when something did', async () => {
    const { pid } = await installService(layout, 'api-blue', specOf('one'))
    await answersAs('one')
    expect((await installService(layout, 'api-blue', specOf('one'))).pid).toBe(pid)
    const changed = await installService(layout, 'api-blue', specOf('two'))
    expect(changed.pid).not.toBe(pid)
    await answersAs('two')
    const files = { 'config/a.txt': 'content' }
    const third = await installService(layout, 'api-blue', { ...specOf('two'), files })
    expect(third.pid).not.toBe(changed.pid)
    expect(readFileSync(join(layout.home, 'config/a.txt'), 'utf8')).toBe('content')
  })

  it('refuses a file outside of the home, and names that are paths', async () => {
    const outside = { ...specOf('x'), files: { '../x': '' } }
    await expect(installService(layout, 'api-blue', outside)).rejects.toThrow('not within the home')
    await expect(installService(layout, '../x', specOf('x'))).rejects.toThrow('no name')
    expect(installedServices(layout)).toEqual([])
  })

  it('stays down over a restart of the supervisor once it was stopped', async () => {
    await installService(layout, 'api-blue', specOf('blue'))
    await answersAs('blue')
    await stopService(layout, 'api-blue')
    expect(await isFree(port)).toBe(true)
    await stopAll(layout)
    await ensureSupervisor(layout)
    await waitFor(async () => (await serviceStatus(layout, 'api-blue')).state === 'down', {
      timeoutMs: 60_000,
      what: 'the supervisor to look at it',
    })
    await startService(layout, 'api-blue')
    await answersAs('blue')
  })

  it('is ended by the signal it asks for, and by a kill where it does not end', async () => {
    const script =
      'trap "echo got INT; exit 0" INT; trap "echo got TERM" TERM; echo ready; while :; do sleep 0.05; done'
    const spec = {
      command: ['sh', '-c', script],
      environment: {},
      cwd: '/',
      stopSignal: 'INT' as const,
    }
    await installService(layout, 'stubborn', spec)
    await says('stubborn', 'ready')
    await stopService(layout, 'stubborn')
    await says('stubborn', 'got INT')
    expect(log('stubborn')).not.toContain('got TERM')
    await installService(layout, 'stubborn', { ...spec, stopSignal: 'TERM' })
    await waitFor(() => log('stubborn').split('ready').length > 2, {
      timeoutMs: 60_000,
      what: 'ready',
    })
    await stopService(layout, 'stubborn')
    expect((await serviceStatus(layout, 'stubborn')).state).toBe('down')
  })

  it('is sent signals only while it runs, and restarts on demand', async () => {
    const script = 'trap "echo got USR2" USR2; echo ready; while :; do sleep 0.05; done'
    const spec = { command: ['sh', '-c', script], environment: {}, cwd: '/' }
    const { pid } = await installService(layout, 'reloader', spec)
    await says('reloader', 'ready')
    await reloadService(layout, 'reloader', 'USR2')
    await says('reloader', 'got USR2')
    expect((await restartService(layout, 'reloader')).pid).not.toBe(pid)
    await stopService(layout, 'reloader')
    await expect(reloadService(layout, 'reloader', 'USR2')).rejects.toThrow('it is down')
  })

  it('is gone when it is removed, and its neighbour is not', async () => {
    await installService(layout, 'api-blue', specOf('blue'))
    const neighbour = await installService(layout, 'api-green', specOf('green', port + 1))
    await answersAs('blue')
    await removeService(layout, 'api-blue')
    expect(await serviceStatus(layout, 'api-blue')).toEqual({ state: 'absent', up: false })
    expect(await isFree(port)).toBe(true)
    expect(await pidOf('api-green')).toBe(neighbour.pid)
    await removeService(layout, 'api-blue')
  })

  it.runIf(process.getuid?.() === 0)('runs without root where it has to', async () => {
    const command = ['sh', '-c', 'id -u; exec sleep 1000']
    await installService(layout, 'dropped', {
      command,
      environment: {},
      cwd: '/',
      user: 'postgres',
    })
    await says('dropped', '65534')
  })
})

describe('the supervisor', () => {
  it('is one, however many ask for it', async () => {
    await Promise.all([1, 2, 3].map(() => ensureSupervisor(layout)))
    await waitFor(() => supervisorsOf(layout.services).length === 1, {
      timeoutMs: 60_000,
      what: 'one',
    })
  })

  it('outlives who started it, and knows none of its secrets', async () => {
    const source = (name: string) =>
      JSON.stringify(new URL(`../../../platforms/local/${name}`, import.meta.url).href)
    const script = `
      import { ensureSupervisor } from ${source('supervisor.ts')}
      import { layoutOf } from ${source('layout.ts')}
      await ensureSupervisor(layoutOf(process.argv[1]))
      console.log('started')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, layout.home], {
      detached: true,
      env: { ...process.env, PULUMI_CONFIG_PASSPHRASE: 'secret' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    process.kill(-(child.pid as number), 'SIGKILL')
    await once(child, 'exit')
    const [supervisor] = supervisorsOf(layout.services)
    const environment = readFileSync(`/proc/${supervisor}/environ`, 'utf8')
    expect(environment).toContain(`SLUICE_ROOT=${layout.home}`)
    expect(environment).not.toContain('secret')
    await installService(layout, 'api-blue', specOf('blue'))
    await answersAs('blue')
  })
})

describe('stopping all', () => {
  it('leaves no process and no port, and what was up comes back', async () => {
    await installService(layout, 'api-blue', specOf('blue'))
    await installService(layout, 'api-green', specOf('green', port + 1))
    await answersAs('blue')
    await answersAs('green', port + 1)
    await stopAll(layout)
    expect(left()).toEqual([])
    expect(supervisorsOf(layout.services)).toEqual([])
    expect([await isFree(port), await isFree(port + 1)]).toEqual([true, true])
    await stopAll(layout)
    await ensureSupervisor(layout)
    await answersAs('blue')
    await answersAs('green', port + 1)
  })

  it('finds what is left when every supervisor was killed, and children that went their own way', async () => {
    await installService(layout, 'api-blue', specOf('blue'))
    await installService(layout, 'forker', {
      command: ['sh', '-c', 'setsid sleep 1000 & echo ready; exec sleep 1000'],
      environment: {},
      cwd: '/',
    })
    await answersAs('blue')
    await says('forker', 'ready')
    const runsv = parentOf(await pidOf('api-blue'))
    for (const pid of supervisorsOf(layout.services)) signalProcess(pid, 'SIGKILL')
    signalProcess(runsv, 'SIGKILL')
    signalProcess(parentOf(await pidOf('forker')), 'SIGKILL')
    await stopAll(layout)
    expect(left()).toEqual([])
    expect(await isFree(port)).toBe(true)
  })

  it('ends a stopped process too, and nothing of another home', async () => {
    const other = temporaryHome()
    try {
      await installService(layout, 'api-blue', specOf('blue'))
      await installService(other, 'api-blue', specOf('other', port + 1))
      await answersAs('blue')
      await answersAs('other', port + 1)
      process.kill(await pidOf('api-blue'), 'SIGSTOP')
      await stopAll(layout)
      expect(left()).toEqual([])
      expect((await ask(port + 1)).body).toMatch(/^other /)
    } finally {
      await stopAll(other)
      rmSync(other.home, { recursive: true, force: true })
    }
  })

  it('is done where nothing ever ran', async () => {
    await stopAll(layout)
    expect(existsSync(layout.services)).toBe(false)
  })
})

describe('a runsv that is killed', () => {
  it('is replaced, and one copy of its service runs', async () => {
    await installService(layout, 'api-blue', specOf('blue'))
    await answersAs('blue')
    const pid = await pidOf('api-blue')
    signalProcess(parentOf(pid), 'SIGKILL')
    await waitFor(
      async () => ![undefined, pid].includes((await serviceStatus(layout, 'api-blue')).pid),
      {
        timeoutMs: 60_000,
        what: 'a new process',
      },
    )
    await answersAs('blue')
    expect(left()).not.toContain(pid)
  })
})

describe('a wait in vain', () => {
  it('says for what, how long, and what stood in the way last', async () => {
    const never = () => {
      throw new Error('connection refused')
    }
    await expect(waitFor(never, { timeoutMs: 50, what: 'the moon' })).rejects.toThrow(
      'waited 50ms for the moon, in vain (connection refused)',
    )
  })

  it('ends at once when it is called off', async () => {
    const signal = AbortSignal.abort(new Error('called off'))
    const wait = waitFor(() => false, { timeoutMs: 60_000, what: 'x', signal })
    await expect(wait).rejects.toThrow('called off')
  })
})
