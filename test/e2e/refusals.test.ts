import { readFileSync, renameSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../../examples/load.ts'
import { AdminSocket } from '../../platforms/local/admin-socket.ts'
import { databaseUrl } from '../../platforms/local/layout.ts'
import { serviceStatus, stopAll, stopService } from '../../platforms/local/supervisor.ts'
import { isUnavailable } from '../../rollout/observation.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { decided } from './decided.ts'
import type { Result } from './engine-stack.ts'
import { SEED, seeded } from './seeded.ts'
import { TestStack } from './test-stack.ts'
import { type Watch, watchGreen } from './watch.ts'

/** What may be typed to get around a refusal; a target and an exclusion exclude each other. */
const WAYS: string[][] = combinations([
  ['--refresh'],
  ['--skip-preview'],
  ['--continue-on-error'],
  ['--target', '**weights-huntred', '--target', '**verification', '--target', '**verdict'],
  ['--exclude', '**admission', '--exclude', '**backup-huntred'],
])

/** The parts that stand alone; of them a seeded few run in `npm test`. */
const PARTS = seeded(
  [
    'a dead hook and its repair',
    'a step two ahead',
    'an edited plan',
    'an edited green',
    'a live weight by hand',
    'a missing journal',
    'an alarm, and all at once',
    'backups that fail',
  ] as const,
  2,
)
const part = (name: (typeof PARTS)[number], tests: () => void) => {
  if (PARTS.includes(name)) tests()
}

describe(`what holds a rollout (${SEED})`, () => {
  let stack: TestStack
  let load: Load
  let watch: Watch
  let base: PlanInput

  beforeAll(async () => {
    stack = await TestStack.create((plan) => {
      base = {
        ...plan,
        steps: [{ weight: 5, gates: ['happy'] }, { weight: 25, bake: '1h' }, 50, 100],
        guardrails: {
          ...plan.guardrails,
          slow: { metric: 'p95', above: '2s', for: '1s', then: 'hold' },
        },
        gates: { happy: { confirm: 'No complaints from users?' } },
        backups: {
          huntred: { postgres: 'env:HUNTRED_URL', before: 'every-step', maximumAge: '40s' },
        },
      }
      return base
    })
  })
  afterAll(async () => {
    await watch?.stop()
    await load?.stop()
    await stack?.close()
  })

  const edited = (change: (plan: PlanInput) => void) => {
    const plan = structuredClone(base)
    change(plan)
    return stack.writePlan(plan)
  }
  /** A preview that must be refused, without the engine's line breaks. */
  const refused = async (...flags: string[]): Promise<string> => {
    const preview = await stack.preview(...flags)
    expect(preview.code).not.toBe(0)
    return flat(preview)
  }
  const allowed = async (result: Result): Promise<string> => {
    expect(result.output).not.toContain('error:')
    expect(result.code).toBe(0)
    return flat(result)
  }
  /** Whatever is typed with up, green keeps 5; an admission that is not left out says no. */
  const staysAt5 = async (list: string[][]) => {
    const said: unknown[] = []
    for (const ways of list) {
      const up = await stack.pulumi('up', '--yes', ...ways)
      const admitted = !ways.includes('--target') && !ways.includes('--exclude')
      said.push([ways.join(' '), !admitted || up.code !== 0, await stack.green()])
    }
    expect(said).toEqual(list.map((ways) => [ways.join(' '), true, 5]))
  }
  /** Waits until nothing but what is asked about may hold the next position. */
  const untilReady = (position: string, but: string[] = []) =>
    stack.until(`nothing else to hold ${position}`, async () => {
      const { refusals } = await decided(stack, position)
      return refusals.every(({ code }) => but.includes(code))
    })
  const sql = async (text: string, database = 'postgres') => {
    const client = new pg.Client({ connectionString: databaseUrl(stack.layout, database) })
    await client.connect()
    try {
      await client.query(text)
    } finally {
      await client.end()
    }
  }
  const byHand = (value: number) =>
    new AdminSocket(stack.layout.haproxy.socket).ask(
      `set map ${stack.layout.haproxy.map} huntred ${value}`,
    )

  describe('before anything is deployed', () => {
    const mistakes: [string, Record<string, unknown>, string[]][] = [
      ['an attempt of 0', { attempt: 0 }, ['sluice:attempt: "0" is no whole number from 1']],
      ['a platform that is not known', { platform: 'moon' }, ['sluice:platform: "moon"', 'local']],
      [
        'a step that the plan has not',
        { step: 'huntred@7' },
        ['sluice:step: "huntred@7"', 'start, huntred@5', 'next: pulumi config set sluice:step'],
      ],
      [
        'three mistakes at once, one line each',
        { attempt: 'two', platform: 'moon', clock: 0 },
        ['sluice:attempt: "two"', 'sluice:platform: "moon"', 'sluice:clock: "0"'],
      ],
    ]
    it.each(seeded(mistakes, 1))('%s is one clear error', async (_what, config, words) => {
      stack.set(config)
      const said = await refused()
      for (const word of words) expect(said).toContain(word)
      expect(said).not.toContain(' at async ')
      stack.set({ attempt: 1, platform: 'local', clock: 1, step: 'start' })
    })

    it('a broken plan is one clear error a mistake', async () => {
      await expect(
        edited((plan) => {
          Object.assign(plan, { steps: [5, 5000], bake: 'soon', colour: 'blue' })
        }),
      ).rejects.toThrow('bake')
      const said = await refused()
      for (const word of ['steps', '5000', 'bake', 'soon', 'colour']) expect(said).toContain(word)
      expect(said).not.toContain(' at async ')
      await stack.writePlan(base)
    })
  })

  describe('at start', () => {
    it('deploys', async () => {
      await allowed(await stack.up())
      watch = watchGreen(stack)
      load = startLoad({
        url: stack.url,
        rate: 80,
        seconds: 1_800,
        paths: ['/api/me', '/api/candidates/'],
      })
    })

    part('a dead hook and its repair', () => {
      it('a dead hook holds the first step, and so does a Prometheus that is down', async () => {
        await untilReady('huntred@5')
        await stopService(stack.layout, 'hook')
        await stopService(stack.layout, 'prometheus')
        const said = await stack.set({ step: 'huntred@5' }).preview()
        expect(said.code).not.toBe(0)
        expect(flat(said)).toMatch(/hook: does not guard: .* no guard, no rise/)
        expect(flat(said)).toContain('alarms: could not be checked')
        expect(flat(said)).toContain('blue 100 → 95, green 0 → 5')
        expect(flat(said)).toContain('next: sluice doctor')
      })

      it('all of it in one refusal, with a weight set by hand', async () => {
        await byHand(300)
        stack.set({ step: 'huntred@25', attempt: 2 })
        const said = await refused()
        stack.set({ step: 'start', attempt: 1 })
        await byHand(0)
        expect(said).toContain('is held by 5 things (weights asked for: huntred: blue 97 → 75')
        for (const place of ['sluice:attempt', 'sluice:step', 'live weights', 'hook', 'alarms']) {
          expect(said).toContain(`${place}: `)
        }
      })

      it('an up at the same position repairs them, and PostgreSQL too', async () => {
        await stopService(stack.layout, 'postgres')
        const said = await allowed(await stack.set({ step: 'start' }).preview())
        for (const type of ['Hook', 'Alarms', 'Postgres']) {
          expect(said).toContain(`~ sluice:local:${type}`)
        }
        await allowed(await stack.up())
        for (const name of ['hook', 'prometheus', 'postgres']) {
          expect((await serviceStatus(stack.layout, name)).up).toBe(true)
        }
        await untilReady('huntred@5')
        await allowed(await stack.preview('--expect-no-changes'))
      })
    })

    it('a stale backup shows in the preview, and is taken and verified by up', async () => {
      // After the repairs before it Prometheus has to be heard again.
      await untilReady('huntred@5')
      await stack.set({ step: 'huntred@5' })
      const said = await allowed(await stack.preview())
      expect(said).toContain('huntred: stale, will be taken and verified')
      expect(said).toMatch(/\+?stale\s*: (false => )?true/)
      await allowed(await stack.up())
      expect(await stack.green()).toBe(5)
      expect(await stack.platform.backups()).toHaveLength(1)
    })
  })

  describe('at huntred@5, on the way to huntred@25', () => {
    it('an unconfirmed gate', async () => {
      await untilReady('huntred@25', ['unconfirmed'])
      stack.set({ step: 'huntred@25' })
      const said = await refused()
      expect(said).toContain('huntred@5 → huntred@25 is held by one thing')
      expect(said).toContain(
        'gates.happy: nobody has confirmed huntred@5: No complaints from users?',
      )
      expect(said).toContain('blue 95 → 75, green 5 → 25')
      expect(said).toContain("next: pulumi config set --path 'sluice:confirmed[0]' huntred@5")
    })

    it('stays where it is, whatever is typed with up: each way alone', async () => {
      const alone = WAYS.filter((way) => singles(way) === 1)
      await staysAt5(seeded(alone, 1))
    }, 300_000)

    it('stays where it is, whatever is typed with up: several ways together', async () => {
      const together = WAYS.filter((way) => singles(way) > 1)
      await staysAt5(seeded(together, 1))
      // --continue-on-error and the like must not have left anything half done.
      await allowed(await stack.set({ step: 'huntred@5' }).up())
      expect(watch.highest()).toBe(5)
    }, 900_000)

    it('one line of config confirms it', async () => {
      await stack.set({ step: 'huntred@25', confirmed: ['huntred@5'] })
      await untilReady('huntred@25')
      await allowed(await stack.preview())
    })

    part('a step two ahead', () => {
      it('a step two ahead', async () => {
        stack.set({ step: 'huntred@50' })
        const said = await refused()
        expect(said).toContain(
          'sluice:step: huntred@50 is 2 positions after huntred@5, where the rollout stands',
        )
        expect(said).toContain('blue 95 → 50, green 5 → 50')
        expect(said).toContain('next: pulumi config set sluice:step huntred@25')
        stack.set({ step: 'huntred@25' })
      })
    })

    part('an edited plan', () => {
      it('an edited plan together with a rise; alone it is allowed', async () => {
        await edited((plan) => {
          plan.steps = [{ weight: 5, gates: ['happy'] }, { weight: 25, bake: '1h' }, 60, 100]
        })
        const said = await refused()
        expect(said).toContain('sluice:plan: the plan was edited')
        expect(said).toContain('an edit of the plan and a rise are two updates')
        expect(said).toContain('blue 95 → 75, green 5 → 25')
        expect(said).toContain('next: pulumi config set sluice:step huntred@5, then pulumi up')
        await allowed(await stack.set({ step: 'huntred@5' }).preview())
        await stack.set({ step: 'huntred@25' }).writePlan(base)
      })
    })

    part('an edited green', () => {
      it('an edited green while it has weight, also at the same position', async () => {
        await edited((plan) => {
          plan.services['huntred']!.green.environment = { EXAMPLE_FAULTS: '1', IMAGE: 'next' }
        })
        for (const step of ['huntred@25', 'huntred@5']) {
          stack.set({ step })
          const said = await refused()
          expect(said).toContain('services.huntred.green: was edited while green has traffic')
          expect(said).toContain('pulumi config set sluice:step start')
        }
        await allowed(await stack.set({ step: 'start' }).preview())
        await stack.set({ step: 'huntred@25' }).writePlan(base)
      })
    })

    part('a live weight by hand', () => {
      it.each([400, 1500])(
        'a live weight that was set to %i hundredths of a percent by hand',
        async (value) => {
          await byHand(value)
          const said = await refused()
          expect(said).toContain('live weights: were changed by another hand since huntred@5')
          expect(said).toMatch(new RegExp(`green 5 → ${value / 100}`))
          expect(said).toContain('sluice doctor --adopt')
          await byHand(500)
          watch.highest()
          await untilReady('huntred@25')
        },
      )
    })

    part('a missing journal', () => {
      it('a journal that is missing', async () => {
        const { journal } = stack.layout.hook
        renameSync(journal, `${journal}.away`)
        const said = await refused()
        expect(said).toContain('journal: is missing although the rollout is deployed')
        expect(said).toContain('green 5 → 25')
        expect(said).toContain('next: sluice doctor --adopt')
        await allowed(await stack.set({ step: 'start' }).preview())
        renameSync(`${journal}.away`, journal)
        await stack.set({ step: 'huntred@25' })
        await untilReady('huntred@25')
      })
    })

    part('an alarm, and all at once', () => {
      it('an active alarm of a guardrail that holds', async () => {
        await stack.fault('green', { slow: 1, slowMs: 2_500 })
        await stack.until('the alarm', async () => {
          const { alarms } = await stack.platform.observe()
          return !isUnavailable(alarms) && alarms.some(({ guardrail }) => guardrail === 'slow')
        })
        const said = await refused()
        expect(said).toMatch(/guardrails\.slow: is active on huntred since \S+: p95 .* against 2s/)
        expect(said).toContain('blue 95 → 75, green 5 → 25')
        expect(said).toContain('next: sluice status')
      })

      it('all of it in one refusal', async () => {
        await edited((plan) => {
          plan.steps = [{ weight: 5, gates: ['happy'] }, { weight: 25, bake: '1h' }, 60, 100]
        })
        await stack.set({ step: 'huntred@60', confirmed: [], attempt: 2 })
        const said = await refused()
        expect(said).toContain('is held by 5 things (weights asked for: huntred: blue 95 → 40')
        for (const place of [
          'sluice:attempt:',
          'sluice:step:',
          'sluice:plan:',
          'guardrails.slow:',
          'gates.happy:',
        ]) {
          expect(said).toContain(place)
        }
        await staysAt5(seeded(WAYS, 1))
        await stack
          .set({ step: 'huntred@25', confirmed: ['huntred@5'], attempt: 1 })
          .writePlan(base)
      }, 900_000)

      it('does not hold one step back, nor a threshold, while the alarm is active', async () => {
        const back = await allowed(await stack.set({ step: 'start' }).preview())
        expect(back).toMatch(/green\s*: 5\s+=> 0/)
        base = structuredClone(base)
        base.guardrails!['slow'] = { metric: 'p95', above: '4s', for: '1s', then: 'hold' }
        await stack.set({ step: 'huntred@5' }).writePlan(base)
        const change = await allowed(await stack.preview())
        for (const type of ['Hook', 'Alarms']) expect(change).toContain(`~ sluice:local:${type}`)
        await allowed(await stack.up())
        expect(await stack.green()).toBe(5)
        await stack.fault('green', undefined)
        await untilReady('huntred@25')
      })
    })

    part('backups that fail', () => {
      it('a backup that cannot be taken leaves the weights where they are', async () => {
        await stack.set({ step: 'huntred@25' })
        await backupDue()
        const before = await stack.platform.backups()
        await sql('alter database huntred allow_connections false')
        const up = await stack.up()
        await sql('alter database huntred allow_connections true')
        expect(up.code).not.toBe(0)
        expect(flat(up)).toContain('backup huntred failed, so no weight rises')
        expect(flat(up)).toContain('not currently accepting connections')
        expect(await stack.green()).toBe(5)
        expect(await stack.platform.backups()).toEqual(before)
      })

      it('a backup that does not restore leaves the weights where they are', async () => {
        await sql(
          `create function here() returns boolean language sql as
             $$ select current_database() = 'huntred' $$;
           create table odd (number integer check (here()));
           insert into odd values (1)`,
          'huntred',
        )
        const before = await stack.platform.backups()
        const up = await stack.up()
        await sql('drop table odd; drop function here', 'huntred')
        expect(up.code).not.toBe(0)
        expect(flat(up)).toContain('backup huntred failed, so no weight rises')
        expect(await stack.green()).toBe(5)
        expect(await stack.platform.backups()).toEqual(before)
      })
    })

    it('goes on when nothing holds it any more, with a fresh backup', async () => {
      const before = await stack.platform.backups()
      await backupDue()
      expect(watch.highest()).toBe(5)
      await allowed(await stack.up())
      expect(await stack.green()).toBe(25)
      expect((await stack.platform.backups()).length).toBe(before.length + 1)
    })

    const backupDue = () =>
      stack.until('the backup to be stale', async () => {
        const { refusals, backupsDue } = await decided(stack, 'huntred@25')
        return refusals.length === 0 && backupsDue.length > 0
      })
  })

  describe('at huntred@25', () => {
    it('a bake that is not over, with the time that is left', async () => {
      await stack.set({ step: 'huntred@50' })
      await untilReady('huntred@50', ['bake'])
      const said = await refused()
      expect(said).toMatch(/huntred@25: has baked .+ of 1h under guard/)
      expect(said).toContain('blue 75 → 50, green 25 → 50')
      expect(said).toMatch(/next: wait 5\dm .+, or sluice advance --wait/)
      await stack.up('--refresh')
      expect(watch.highest()).toBe(25)
      expect(await stack.green()).toBe(25)
    })

    it('is previewed without the platform, each gate as not checked', async () => {
      await watch.stop()
      await load.stop()
      await stopAll(stack.layout)
      const away = await stack.preview()
      expect(away.code).not.toBe(0)
      expect(flat(away)).toContain('could not be checked')
      stack.environment({ SLUICE_OFFLINE: '1' })
      const said = await allowed(await stack.preview())
      for (const what of ['bake', 'alarms', 'guard', 'latch', 'gate happy']) {
        expect(said).toContain(`${what}: not checked`)
      }
      expect(said).toMatch(/green\s*: 25\s+=> 50/)
    })

    it('has left journal and latch as they were', () => {
      const { journal, latch } = stack.layout.hook
      expect(JSON.parse(readFileSync(journal, 'utf8')).verified.position).toBe('huntred@25')
      expect(JSON.parse(readFileSync(latch, 'utf8')).trips).toBe(0)
    })
  })
})

/** Words as they were said, without the engine's indentation. */
function flat({ output }: Result): string {
  return output.replace(/\s+/g, ' ')
}

function combinations(ways: string[][]): string[][] {
  return Array.from({ length: 2 ** ways.length }, (_, bits) =>
    ways.filter((_way, index) => bits & (1 << index)).flat(),
  ).filter((way) => way.length > 0)
}

/** How many ways there are in a combination. */
function singles(way: string[]): number {
  return new Set(way.filter((word) => word.startsWith('--'))).size
}
