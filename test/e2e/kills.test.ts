import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../../examples/load.ts'
import { FileStore, readEvents } from '../../platforms/local/file-store.ts'
import { databaseUrl } from '../../platforms/local/layout.ts'
import { HaproxyRouter } from '../../platforms/local/router.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import { isUnavailable } from '../../rollout/observation.ts'
import type { ColourName } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { urlOf } from '../../rollout/services.ts'
import { greenOf } from '../../rollout/weights.ts'
import { checkout } from '../../tools/checkout.ts'
import { decided } from './decided.ts'
import type { Result } from './engine-stack.ts'
import { SEED, seeded } from './seeded.ts'
import { TestStack } from './test-stack.ts'
import { hasEnded, postgresAnswers, send, standsStill, VICTIMS, type Victim } from './victims.ts'
import { type Watch, watchGreen } from './watch.ts'

type Signal = 'SIGKILL' | 'SIGSTOP'
/** `latched`: rolled back from 25, and nobody has acknowledged it yet. */
type At = 'start' | 'latched' | 'huntred@25' | 'huntred@100'
/** What becomes of green's weight before anybody types anything. */
type Outcome = 'stays' | 'latches' | 'stays or latches' | 'goes where pulumi up was told, or not'

interface Case {
  victim: Victim
  signal: Signal
  at: At
  outcome: Outcome
  sees: string
}

/** None of them carries a request: while they are away, users get every answer. */
const NOT_IN_THE_WAY = ['the hook', 'Prometheus', 'runsvdir', "the hook's runsv"]

const NEXT: Record<At, string> = {
  start: 'huntred@25',
  latched: 'huntred@25',
  'huntred@25': 'huntred@100',
  'huntred@100': 'promoted',
}

const CASES: Case[] = (['start', 'latched', 'huntred@25', 'huntred@100'] as const).flatMap((at) =>
  VICTIMS.flatMap((victim) =>
    (['SIGKILL', 'SIGSTOP'] as const).map((signal) => {
      const [outcome, sees] = expected(victim.name, signal, at)
      return { victim, signal, at, outcome, sees }
    }),
  ),
)

function expected(victim: string, signal: Signal, at: At): [Outcome, string] {
  const killed = signal === 'SIGKILL'
  if (victim.endsWith('in mid-update')) {
    return at === 'latched'
      ? ['stays', 'green stays at 0 and latched, and the next up says so again']
      : [
          'goes where pulumi up was told, or not',
          'green has the old weight or the new one, and the next up goes on from there',
        ]
  }
  if (at === 'latched') return ['stays', 'green stays at 0 and latched']
  if (at === 'start') return ['stays', 'green stays at 0, and nothing is latched']
  switch (victim) {
    case 'the hook':
      return killed
        ? [
            'stays or latches',
            'the hook is back by itself; away too long, green is at 0 and latched',
          ]
        : ['latches', 'users get blue at once, and green is latched at 0 when the hook wakes']
    case "the hook's runsv":
      return killed
        ? [
            'stays or latches',
            'the hook is back by itself; away too long, green is at 0 and latched',
          ]
        : ['stays', 'nothing']
    case 'green':
      return ['latches', 'users get blue, and the rollout is latched']
    case 'HAProxy':
    case 'PostgreSQL':
      return ['stays or latches', 'errors while it is away; green keeps its weight or loses it']
    case 'blue':
      return ['stays or latches', 'blue is back by itself or when it wakes; green is not raised']
    default:
      return ['stays', 'nothing moves, and rises wait until it is back']
  }
}

/** A rollout of few positions on which one case comes after the other. */
class Bench {
  readonly stack: TestStack
  readonly watch: Watch
  readonly #store: FileStore
  readonly #load: Load
  /** Where the last case left nothing to recover from. */
  #recovered = false

  private constructor(stack: TestStack) {
    this.stack = stack
    this.#store = new FileStore(stack.layout)
    this.watch = watchGreen(stack)
    this.#load = startLoad({
      url: stack.url,
      rate: 40,
      seconds: 7_200,
      paths: ['/api/me', '/api/candidates/'],
      timeoutMs: 10_000,
    })
  }

  static async create(): Promise<Bench> {
    const stack = await TestStack.create((plan) => ({
      ...plan,
      steps: [25, 100],
      bake: '1ms',
      retire: { after: '1ms' },
      backups: {
        huntred: { postgres: 'env:HUNTRED_URL', before: 'every-step', maximumAge: '40s' },
      },
    }))
    const up = await stack.up()
    if (up.code !== 0) throw new Error(up.output)
    return new Bench(stack)
  }

  async close(): Promise<void> {
    await this.watch.stop()
    await this.#load.stop()
    await this.stack.close()
  }

  /** The latch as it stands on the disk; a lost one is an error. */
  async latch(): Promise<Latch> {
    const latch = await this.#store.readLatch()
    if (!latch) throw new Error('the latch is lost')
    return latch
  }

  async journal(): Promise<Journal> {
    const journal = await this.#store.readJournal()
    if (!journal) throw new Error('the journal is lost')
    return journal
  }

  weightOf(position: string): number {
    const found = findPosition(positionsOf(this.stack.plan), position)
    return greenOf(found?.weights ?? {}, 'huntred')
  }

  /** Everything runs, is healthy and knows what it must know to judge. */
  wellAgain(): Promise<void> {
    const { stack } = this
    const router = new HaproxyRouter(stack.layout)
    return stack.until('everything to be well again', async () => {
      const { guard, alarms, live } = await stack.platform.observe()
      if (!guard.alive || isUnavailable(alarms) || isUnavailable(live)) return false
      if (alarms.length > 0) return false
      const at = (colour: ColourName) => urlOf(stack.plan, 'huntred', colour, '/healthz')!
      // The router's word may be older than the kill: what can be asked itself is asked too.
      const healthy = await Promise.all([
        router.healthy('huntred', 'blue'),
        router.healthy('huntred', 'green'),
        router.guardUp(),
        answers(at('blue')),
        answers(at('green')),
        answers(`${stack.url}/api/me`),
        postgresAnswers(stack.layout),
      ]).catch(() => [false])
      return healthy.every(Boolean)
    })
  }

  /** What users got wrong since a moment: an error, or no answer in ten seconds. */
  failuresSince(began: string): string[] {
    const { failures } = this.#load.stats()
    return failures
      .filter(({ time }) => time >= began)
      .map(({ time, reason }) => `${time} ${reason}`)
  }

  /** Which versions answer users now; an error is one of them. */
  async answering(): Promise<string[]> {
    const users = Array.from({ length: 40 }, (_, user) => String(user))
    const versions = await Promise.all(
      users.map(async (user) => {
        const headers = { 'x-user-id': user }
        const answer = await fetch(`${this.stack.url}/api/me`, { headers })
        await answer.body?.cancel()
        return answer.status < 500 ? String(answer.headers.get('x-version')) : `${answer.status}`
      }),
    )
    return [...new Set(versions)].toSorted()
  }

  /** Brings the rollout to where a case begins. */
  async goTo(at: At): Promise<void> {
    if (at === 'latched') {
      if ((await this.latch()).latched) return
      await this.goTo('huntred@25')
      await this.stack.platform.rollback({ by: 'a test', reason: 'the case begins latched' })
      return
    }
    if (!this.#recovered || (await this.latch()).latched) await this.recover()
    this.#recovered = false
    const names = positionsOf(this.stack.plan).map(({ name }) => name)
    const to = names.indexOf(at)
    let stands = names.indexOf((await this.journal()).verified.position)
    while (stands !== to) {
      stands = to < stands ? to : stands + 1
      const up = await this.stack.step(names[stands] as string)
      if (up.code !== 0) throw new Error(up.output)
    }
  }

  /** Runs up, and does what its message asks for, until it has nothing to say. */
  async recover(): Promise<void> {
    let up: Result = { code: -1, output: '' }
    for (let tries = 0; tries < 5; tries++) {
      up = await this.stack.up()
      if (up.code === 0) {
        this.#recovered = true
        return
      }
      if (up.output.includes('pulumi cancel')) {
        const cancelled = await this.stack.pulumi('cancel', '-y')
        if (cancelled.code !== 0) throw new Error(cancelled.output)
      }
      const attempt = /pulumi config set sluice:attempt (\d+)/.exec(up.output)?.[1]
      const step = /pulumi config set sluice:step ([^\s,;]+)/.exec(up.output)?.[1]
      if (attempt) this.stack.set({ attempt: Number(attempt) })
      if (step) this.stack.set({ step })
      if (!attempt && !step && !up.output.includes('pulumi cancel')) break
    }
    throw new Error(`the next pulumi up does not work: ${up.output}`)
  }

  /** Nothing holds a position. */
  ready(position: string): Promise<void> {
    return this.stack.until(`nothing to hold ${position}`, async () => {
      return (await decided(this.stack, position)).refusals.length === 0
    })
  }

  /** Starts an update, and returns when its move is admitted: its weights may be on their way. */
  async midUpdate(step: string): Promise<{ child: ChildProcess; ended: Promise<unknown> }> {
    this.stack.set({ step })
    const since = new Date().toISOString()
    const child = this.stack.startUp()
    child.stdout?.resume()
    child.stderr?.resume()
    const ended = once(child, 'exit')
    await this.stack.until('the update to be admitted', () => {
      if (child.exitCode !== null) return true
      return readEvents(this.stack.layout, 5).some(
        ({ kind, at }) => (kind === 'admitted' || kind === 'refused') && at >= since,
      )
    })
    return { child, ended }
  }
}

/** The parts that stand alone; one of them, by the seed, runs in `npm test`. */
const PARTS = seeded(
  [
    'a rollback in the middle of pulumi up',
    'sluice rollback',
    'a latch deleted at huntred@25',
    'a latch deleted at start',
    'the very first deployment',
  ] as const,
  1,
)
const part = (name: (typeof PARTS)[number], tests: () => void) => {
  if (PARTS.includes(name)) tests()
}

describe(`whatever is killed or stopped, nothing is lost and green never rises by itself (${SEED})`, () => {
  let bench: Bench

  beforeAll(async () => {
    bench = await Bench.create()
  })
  afterAll(async () => {
    await bench?.close()
  })

  const titled = seeded(CASES, 2, ({ victim }) => victim.name).map(
    (each) => [`${each.signal} of ${each.victim.name} at ${each.at}: ${each.sees}`, each] as const,
  )

  it.each(titled)(
    '%s',
    async (_title, { victim, signal, at, outcome }) => {
      await bench.goTo(at)
      await bench.wellAgain()
      const { stack } = bench
      const before = { latch: await bench.latch(), journal: await bench.journal() }
      const weight = await stack.green()
      bench.watch.highest()
      const began = new Date().toISOString()

      const updating = victim.name.endsWith('in mid-update')
      if (updating && at !== 'latched') await bench.ready(NEXT[at])
      const update = updating ? await bench.midUpdate(NEXT[at]) : undefined
      const pids = await victim.pids(stack, update?.child)
      if (!updating) expect(pids).not.toEqual([])
      for (const pid of pids) send(pid, signal)
      if (signal === 'SIGKILL') {
        await stack.until(`${victim.name} to be gone`, () => pids.every(hasEnded))
      }
      if (signal === 'SIGSTOP') {
        const still = () => pids.every((pid) => standsStill(pid) || hasEnded(pid))
        await stack.until(`${victim.name} to stand still`, still)
        if (victim.noticed) {
          await stack.until(`${victim.name} to be missed`, () => victim.noticed!(stack))
        }
        for (const pid of pids) send(pid, 'SIGCONT')
      }
      await update?.ended
      await bench.wellAgain()
      if (outcome === 'latches') {
        await stack.until('the latch', async () => {
          if ((await bench.latch()).latched) return true
          // One that is back before the router's second check was never missed: it dies again.
          if (signal === 'SIGKILL') for (const pid of await victim.pids(stack)) send(pid, signal)
          return false
        })
      }
      // The latch is written first, and green's weight right after it.
      await stack.until('green to be at 0 where it is latched', async () => {
        return !(await bench.latch()).latched || (await stack.green()) === 0
      })

      const [latch, journal, live] = [
        await bench.latch(),
        await bench.journal(),
        await stack.green(),
      ]
      // What users see: blue alone, green alone or both, as the weights say.
      const seen = await bench.answering()
      const both = new Set([live, await stack.green()].flatMap(versionsAt))
      expect(seen.filter((version) => !both.has(version))).toEqual([])
      if (updating || NOT_IN_THE_WAY.includes(victim.name)) {
        expect(bench.failuresSince(began)).toEqual([])
      }
      const most = updating ? Math.max(weight, bench.weightOf(NEXT[at])) : weight
      expect(bench.watch.highest()).toBeLessThanOrEqual(at === 'latched' ? 0 : most)
      if (before.latch.latched) expect(latch).toEqual(before.latch)
      if (outcome === 'stays') expect([live, latch]).toEqual([weight, before.latch])
      if (outcome === 'latches') expect([live, latch.latched]).toEqual([0, true])
      if (latch.latched) expect(live).toBe(0)
      else expect([weight, most]).toContain(live)
      expect(latch.trips).toBeGreaterThanOrEqual(before.latch.trips)
      expect(journal.backups.map(({ id }) => id)).toEqual(
        expect.arrayContaining(before.journal.backups.map(({ id }) => id)),
      )

      await bench.recover()
      const after = (await bench.journal()).verified.position
      expect(await stack.green()).toBe(bench.weightOf(after))
      expect((await bench.latch()).latched).toBe(false)
    },
    300_000,
  )

  part('a rollback in the middle of pulumi up', () => {
    it('a rollback in the middle of pulumi up: blue has everything at once, and up fails', async () => {
      await bench.goTo('huntred@25')
      const { stack } = bench
      await bench.wellAgain()
      bench.watch.highest()
      await withUpHeld(stack, 'huntred@100', async (child) => {
        await stack.fault('green', { errors: 1 })
        await stack.until('the rollback', async () => (await stack.green()) === 0, 20)
        await stack.fault('green', undefined)
        expect(child.exitCode).toBeNull()
      })
      expect(await stack.green()).toBe(0)
      expect((await bench.latch()).latched).toBe(true)
      expect(bench.watch.highest()).toBeLessThanOrEqual(25)
      await bench.recover()
    })
  })

  part('sluice rollback', () => {
    it('sluice rollback works without pulumi on PATH, while another holds the lock', async () => {
      await bench.goTo('huntred@25')
      const { stack } = bench
      await bench.wellAgain()
      await withUpHeld(stack, 'huntred@100', async (child) => {
        const rollback = await stack.run(
          'env',
          'PATH=/usr/bin:/bin',
          join(checkout, 'cli', 'sluice'),
          'rollback',
          ...['-s', 'e2e', '--cwd', stack.folder, '--reason', 'a test'],
        )
        expect(rollback.output).toMatch(/green is at 0, read back after \d+(ms|s)/)
        expect(rollback.output).toContain('latched')
        expect(rollback.code).toBe(0)
        expect(child.exitCode).toBeNull()
        expect(await stack.green()).toBe(0)
      })
      expect(await stack.green()).toBe(0)
      expect((await bench.latch()).latched).toBe(true)
      await bench.recover()
    })
  })

  part('a latch deleted at huntred@25', () => {
    it('a latch that is deleted by hand with traffic on green latches at 0 by itself', async () => {
      await bench.goTo('huntred@25')
      const { stack } = bench
      rmSync(stack.layout.hook.latch)
      await stack.until('green to be at 0', async () => (await stack.green()) === 0, 20)
      await stack.until('the latch', async () => existsSync(stack.layout.hook.latch), 20)
      expect((await bench.latch()).latched).toBe(true)
      await bench.recover()
      expect((await bench.latch()).latched).toBe(false)
    })
  })

  part('a latch deleted at start', () => {
    it('a latch that is deleted by hand counts as latched, and the next up rebuilds it', async () => {
      await bench.goTo('start')
      const { stack } = bench
      rmSync(stack.layout.hook.latch)
      const raised = await stack.set({ step: 'huntred@25' }).up()
      expect(raised.code).not.toBe(0)
      expect(await stack.green()).toBe(0)
      const up = await stack.set({ step: 'start' }).up()
      expect(up.code).not.toBe(0)
      expect((await bench.latch()).latched).toBe(true)
      await bench.recover()
      expect((await bench.latch()).latched).toBe(false)
      await bench.goTo('huntred@25')
    })
  })
})

part('the very first deployment', () => {
  describe(`the very first deployment (${SEED})`, () => {
    const moments = {
      'the home is there': ({ layout }: TestStack) => existsSync(layout.services),
      'the router is there': ({ layout }: TestStack) => existsSync(layout.haproxy.socket),
      'the hook is there': ({ layout }: TestStack) => existsSync(layout.hook.heartbeat),
      'the journal is there': ({ layout }: TestStack) => existsSync(layout.hook.journal),
      'the latch is there': ({ layout }: TestStack) => existsSync(layout.hook.latch),
    }
    const killed = VICTIMS.filter(({ name }) => name.endsWith('in mid-update'))
    const cases = Object.entries(moments).flatMap(([moment, come]) =>
      killed.map((victim) => [victim.name, moment, victim, come] as const),
    )

    it.each(seeded(cases, 1))(
      'is cut off by a kill -9 of %s once %s: the next up deploys with green at 0',
      async (_name, _moment, victim, come) => {
        const stack = await TestStack.create()
        try {
          const child = stack.startUp()
          child.stdout?.resume()
          child.stderr?.resume()
          const ended = once(child, 'exit')
          await stack.until('the moment', () => come(stack) || child.exitCode !== null)
          for (const pid of await victim.pids(stack, child)) send(pid, 'SIGKILL')
          await ended
          let up = await stack.up()
          if (up.output.includes('pulumi cancel')) {
            await stack.pulumi('cancel', '-y')
            up = await stack.up()
          }
          expect(up.output).not.toContain('error:')
          expect(up.code).toBe(0)
          expect(await stack.green()).toBe(0)
          const latch = await new FileStore(stack.layout).readLatch()
          expect(latch).toMatchObject({ latched: false, trips: 0, attempt: 1 })
        } finally {
          await stack.close()
        }
      },
      300_000,
    )
  })
})

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
  await answer?.body?.cancel()
  return answer !== undefined && answer.status < 500
}

/** Who answers users where green has this weight. */
function versionsAt(green: number): string[] {
  if (green === 0) return ['v1']
  return green === 100 ? ['v2'] : ['v1', 'v2']
}

/**
 * Holds an update in its middle, at its backup, for as long as `during` runs: a table is locked.
 * The update must fail then.
 */
async function withUpHeld(
  stack: TestStack,
  step: string,
  during: (child: ChildProcess) => Promise<void>,
): Promise<void> {
  const address = databaseUrl(stack.layout, 'huntred')
  const [holder, asker] = [
    new pg.Client({ connectionString: address }),
    new pg.Client({ connectionString: address }),
  ]
  await Promise.all([holder.connect(), asker.connect()])
  try {
    await holder.query('create table if not exists held (number integer)')
    await holder.query('begin')
    await holder.query('lock table held in access exclusive mode')
    await stack.until('a backup to be due', async () => {
      const { refusals, backupsDue } = await decided(stack, step)
      return refusals.length === 0 && backupsDue.length > 0
    })
    stack.set({ step })
    const child = stack.startUp()
    child.stdout?.resume()
    child.stderr?.resume()
    const ended = once(child, 'exit')
    await stack.until('the update to wait for the table', async () => {
      if (child.exitCode !== null) throw new Error('the update did not wait')
      const { rows } = await asker.query(
        `select 1 from pg_locks where relation = 'held'::regclass and not granted`,
      )
      return rows.length > 0
    })
    await during(child)
    await holder.query('rollback')
    const [code] = await ended
    expect(code).not.toBe(0)
  } finally {
    await Promise.all([holder.end(), asker.end()])
  }
}
