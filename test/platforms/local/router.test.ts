import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  reloadService,
  serviceStatus,
  startService,
  stopService,
  waitFor,
} from '../../../platforms/local/supervisor.ts'
import { Unavailable } from '../../../platforms/platform.ts'
import { isFree } from '../../e2e/free-ports.ts'
import { type Answer, ask, askFor, load, more, Stand } from './stand.ts'

const stand = new Stand()
const users = Array.from({ length: 4_000 }, (_, index) => `user-${index}`)
const nobody = Array.from({ length: 4_000 }, () => undefined)
const failed = (answers: Answer[]) => answers.filter(({ status }) => status !== 200).length
const green = (answers: Answer[]) => answers.filter(({ colour }) => colour === 'green').length

beforeAll(() => stand.start())
afterAll(() => stand.stop())

/** So that no test depends on what the one before left. */
afterEach(async () => {
  await stand.weigh(0)
  await stand.router.raiseGuard()
})

async function until(what: string, condition: () => Promise<boolean>) {
  await waitFor(condition, { timeoutMs: 60_000, what })
}

async function pidOf(name: string): Promise<number> {
  const { pid } = await serviceStatus(stand.layout, name)
  if (pid === undefined) throw new Error(`${name} is not up`)
  return pid
}

describe('weights', () => {
  it.each([5, 25, 50, 100])('sends %i in 100 users to green', async (weight) => {
    await stand.weigh(weight)
    const answers = await askFor(stand.port, users)
    expect(failed(answers)).toBe(0)
    // These users are the same each time; 3.29 is 99.9 % of a binomial's answers.
    const p = weight / 100
    const spread = 3.29 * Math.sqrt(users.length * p * (1 - p))
    expect(Math.abs(green(answers) - users.length * p)).toBeLessThanOrEqual(spread)
  })

  it('shares requests of nobody in particular by chance', async () => {
    await stand.weigh(25)
    const answers = await askFor(stand.port, nobody)
    const spread = 5 * Math.sqrt(nobody.length * 0.25 * 0.75)
    expect(Math.abs(green(answers) - 1_000)).toBeLessThanOrEqual(spread)
  })

  it('keeps every user on green who is there while green rises', async () => {
    let before: Answer[] = []
    for (const weight of [5, 25, 50]) {
      await stand.weigh(weight)
      const answers = await askFor(stand.port, users)
      const back = before.filter(
        (was, index) => was.colour === 'green' && answers[index]?.colour !== 'green',
      )
      expect(back).toEqual([])
      before = answers
    }
  })

  it('knows a user by the cookie where the header is missing or empty', async () => {
    await stand.weigh(50)
    for (const user of users.slice(0, 40)) {
      const byHeader = await ask(stand.port, { headers: { 'x-user-id': user } })
      const byCookie = await ask(stand.port, {
        headers: { 'x-user-id': '', cookie: `uid=${user}` },
      })
      expect(byCookie.colour).toBe(byHeader.colour)
    }
  })

  it('gives nobody green at 0, and no request fails while weights change', async () => {
    const running = load(stand.port)
    await more(running, 100)
    for (let change = 0; change < 20; change += 1) {
      await stand.weigh([5, 50, 100, 0][change % 4] as number)
      await more(running, 100)
    }
    expect(failed(await running.end())).toBe(0)
    expect(green(await askFor(stand.port, users))).toBe(0)
  })

  it('changes only the services it is given', async () => {
    await stand.router.write({ other: { blue: 60, green: 40 } })
    await stand.weigh(5)
    expect(await stand.router.read()).toEqual({
      api: { blue: 95, green: 5 },
      other: { blue: 60, green: 40 },
    })
    await stand.router.write({ other: { blue: 100, green: 0 } })
  })

  it('keeps a fraction of a percent', async () => {
    await stand.weigh(0.25)
    expect((await stand.router.read())['api']).toEqual({ blue: 99.75, green: 0.25 })
  })

  it('ends with the last of many writes at once, in the file and in the router', async () => {
    await Promise.all([5, 50, 25, 100, 10].map((weight) => stand.weigh(weight)))
    expect((await stand.router.read())['api']?.green).toBe(10)
    expect(readFileSync(stand.layout.haproxy.map, 'utf8')).toContain('api 1000\n')
  })

  it('reaches the users with a fall, and with no rise, where the disk refuses', async () => {
    await stand.weigh(50)
    const { map } = stand.layout.haproxy
    renameSync(map, `${map}.away`)
    mkdirSync(join(map, 'in-the-way'), { recursive: true })
    try {
      await expect(stand.weigh(5)).rejects.toThrow()
      expect((await stand.router.read())['api']?.green).toBe(5)
      await expect(stand.weigh(50)).rejects.toThrow()
      expect((await stand.router.read())['api']?.green).toBe(5)
    } finally {
      rmSync(map, { recursive: true })
      renameSync(`${map}.away`, map)
    }
  })

  it('refuses a name that would be another command', async () => {
    const bad = { 'api 1; shutdown frontend users': { blue: 0, green: 100 } }
    await expect(stand.router.write(bad)).rejects.toThrow('no name of a service')
  })
})

describe('a green that fails', () => {
  it('costs no reader an answer when it is killed at 50 %', async () => {
    await stand.weigh(50)
    const running = load(stand.port)
    await more(running, 200)
    process.kill(await pidOf('api-green'), 'SIGKILL')
    await more(running, 1_000)
    const lost = (await running.end()).filter(({ status }) => status !== 200)
    const said = stand.hook.lines.filter((line) => !/ 200 \d+ \d+ -- /.test(line))
    expect(lost, said.join('')).toEqual([])
    await until('green to be back', () => stand.router.healthy('api', 'green'))
  })

  it('costs no reader an answer when it hangs, and the log names the backup', async () => {
    await stand.weigh(50)
    const pid = await pidOf('api-green')
    const running = load(stand.port)
    await more(running, 200)
    stand.hook.lines.length = 0
    process.kill(pid, 'SIGSTOP')
    try {
      await until('green to be down', async () => !(await stand.router.healthy('api', 'green')))
      expect(await stand.router.healthy('api', 'blue')).toBe(true)
      await more(running, 200)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    expect(failed(await running.end())).toBe(0)
    const logged = (what: RegExp) => stand.hook.lines.some((line) => what.test(line))
    expect(logged(/sluice api green blue_backup 200 \d+ \d+ --/)).toBe(true)
    expect(logged(/Server api_green\/green is DOWN/)).toBe(true)
    await until('green to be back', () => stand.router.healthy('api', 'green'))
  })
})

describe('the log', () => {
  it('has one line a request: service, wanted colour, server, status, times, end, fallback', async () => {
    await stand.weigh(100)
    stand.hook.lines.length = 0
    await ask(stand.port, { path: '/some/path?x=%20"' })
    await until('the line', async () => stand.hook.lines.some((line) => line.includes('sluice ')))
    const line = stand.hook.lines.find((text) => text.includes('sluice '))
    expect(line).toMatch(/ sluice api green green 200 \d+ \d+ -- 0\n$/)
  })

  it('names the colour to those alone who ask for it', async () => {
    const silent = await fetch(`http://127.0.0.1:${stand.port}/`)
    await silent.text()
    expect(silent.headers.get('x-sluice-color')).toBeNull()
    expect((await ask(stand.port)).colour).toBe('blue')
  })
})

describe('the guard', () => {
  it('takes green to 0 without a failed request when the hook is gone, and not back by itself', async () => {
    await stand.weigh(50)
    const running = load(stand.port)
    await more(running, 100)
    await stand.hook.silence()
    try {
      await until('the guard to be down', async () => !(await stand.router.guardUp()))
      expect(green(await askFor(stand.port, users))).toBe(0)
      expect(await stand.router.effective()).toMatchObject({
        suspended: true,
        weights: { api: { blue: 100, green: 0 } },
      })
      expect((await stand.router.read())['api']?.green).toBe(50)
    } finally {
      await stand.hook.answer()
    }
    stand.hook.checks = 0
    await until('the hook to be asked again', async () => stand.hook.checks >= 4)
    expect(await stand.router.guardUp()).toBe(false)
    expect(green(await askFor(stand.port, users))).toBe(0)
    await stand.router.raiseGuard()
    expect(green(await askFor(stand.port, users))).toBeGreaterThan(0)
    expect(failed(await running.end())).toBe(0)
  })

  it('stays down over a reload while the hook is gone', async () => {
    await stand.weigh(50)
    await stand.hook.silence()
    try {
      await until('the guard to be down', async () => !(await stand.router.guardUp()))
      const running = load(stand.port)
      await stand.router.reload(() => reloadService(stand.layout, 'router', 'USR2'))
      await more(running, 1_000)
      const answers = await running.end()
      expect([green(answers), failed(answers)]).toEqual([0, 0])
      expect(await stand.router.guardState()).toBe('down')
    } finally {
      await stand.hook.answer()
    }
  })

  it('is not asked once the rollout is released', async () => {
    await stand.weigh(100)
    await stand.apply({ disarmed: true })
    try {
      await stand.hook.silence()
      expect(await stand.router.guardState()).toBe('disarmed')
      await stand.router.raiseGuard()
      expect(green(await askFor(stand.port, users.slice(0, 100)))).toBe(100)
    } finally {
      await stand.hook.answer()
      await stand.apply()
    }
  })
})

describe('a change of the router', () => {
  it('keeps weights and loses no request over a reload', async () => {
    await stand.weigh(25)
    const running = load(stand.port)
    for (let reload = 0; reload < 3; reload += 1) {
      await more(running, 200)
      await stand.apply({ serverTimeoutMs: 5_000 + reload })
    }
    await more(running, 200)
    expect(failed(await running.end())).toBe(0)
    expect((await stand.router.read())['api']).toEqual({ blue: 75, green: 25 })
    await stand.apply()
  })

  it('follows green to another port although the old one was remembered', async () => {
    await stand.weigh(100)
    await stand.router.saveState()
    await stand.apply({}, stand.planAt(stand.port + 3))
    await until('the new server', () => stand.router.healthy('api', 'green'))
    expect((await ask(stand.port)).body).toMatch(/^blue /)
    await stand.apply()
    await until('the old server', () => stand.router.healthy('api', 'green'))
    expect((await ask(stand.port)).body).toMatch(/^green /)
  })

  it('sends all to green when blue is retired', async () => {
    await stand.apply({ disarmed: true, retired: true })
    try {
      expect(green(await askFor(stand.port, users.slice(0, 100)))).toBe(100)
      expect(await stand.router.healthy('api', 'blue')).toBe(false)
    } finally {
      await stand.apply()
    }
  })

  it('refuses a configuration that is wrong and goes on with the old one', async () => {
    await stand.weigh(25)
    const plan = stand.planAt(stand.port + 4)
    plan.services['api']!.green = { url: 'http://127.0.0.1:99999', environment: {} }
    await expect(stand.apply({}, plan)).rejects.toThrow()
    expect((await stand.router.read())['api']?.green).toBe(25)
  })

  it('comes back with its weights when it is killed', async () => {
    await stand.weigh(50)
    await stand.router.saveState()
    const pid = await pidOf('router')
    process.kill(pid, 'SIGKILL')
    await until('the router to be back', async () => {
      const { up, pid: now } = await serviceStatus(stand.layout, 'router')
      return up && now !== pid && (await stand.router.read()) !== undefined
    })
    expect((await stand.router.read())['api']).toEqual({ blue: 50, green: 50 })
  })

  it('is Unavailable while it is down, and takes the falls that were written meanwhile, no rise', async () => {
    await stand.weigh(50)
    await stopService(stand.layout, 'router')
    await until('the port to be free', () => isFree(stand.port))
    await expect(stand.router.read()).rejects.toThrow(Unavailable)
    await expect(stand.router.read()).rejects.toThrow(/admin\.sock.*next: /)
    await expect(stand.weigh(5)).rejects.toThrow(Unavailable)
    const higher = { api: { blue: 0, green: 100 } }
    await expect(stand.router.write(higher)).rejects.toThrow(Unavailable)
    await startService(stand.layout, 'router')
    await until('the router to be back', async () => (await stand.router.read()) !== undefined)
    expect((await stand.router.read())['api']).toEqual({ blue: 95, green: 5 })
  })
})
