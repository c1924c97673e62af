import { afterEach, describe, expect, it, vi } from 'vitest'
import { plain } from '../../cli/paint.ts'
import { awaitState } from '../../cli/state-back.ts'
import type { Platform } from '../../platforms/platform.ts'
import type { MeasuredRollback } from '../../rollout/journal.ts'
import { latchAt } from '../../rollout/latch.ts'
import type { Observation } from '../../rollout/observation.ts'
import { world } from '../rollout/world.ts'

/** What `sluice rollback` says while operations bring the state back. */

afterEach(() => {
  vi.restoreAllMocks()
})

const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()

/** @param looks what each look finds: the rollback, and whether the hook is there */
function stage(limits: object, ...looks: [Partial<MeasuredRollback>, boolean][]) {
  const { observation, journal, latch } = world('api@10')
  const at = { position: 'api@10', landing: 'start' }
  const trip = { cause: 'rollback', value: '-', threshold: '-', at: ago(5), reason: 'r', ...at }
  const plan = { ...journal.plan, limits }
  let look = 0
  const observe = async (): Promise<Observation> => {
    const [over, alive] = looks[Math.min(look++, looks.length - 1)]!
    const rollback: MeasuredRollback = {
      ...{ trip: 1, part: 0, attempt: 1, scopes: ['service'], since: ago(5), downAt: ago(4) },
      ...at,
      ...over,
    }
    return {
      ...observation,
      latch: latchAt(latch, trip, {}),
      journal: { ...journal, plan, rollbacks: [rollback] },
      guard: { alive, planHash: 'h' },
    }
  }
  const said: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.push(String(text))
    return true
  })
  const report = { weights: {}, latched: true, tookMs: 1, via: 'hook' as const }
  const waits = (names: string[]) =>
    awaitState({ observe } as Platform, { ...report, waitsFor: names }, plain)
  return { waits, said }
}

describe('the command that rolled back', () => {
  it('says nothing and asks nobody where no operation is left', async () => {
    const { waits, said } = stage({ service: 30_000 }, [{}, true])
    expect(await waits([])).toBeUndefined()
    expect(said).toEqual([])
  })

  it('waits until the state is back, with a line of how it stands, and holds the time', async () => {
    const since = ago(5)
    const doneAt = new Date(Date.parse(since) + 16_000).toISOString()
    const { waits, said } = stage({ service: 30_000 }, [{ since }, true], [{ since, doneAt }, true])
    expect(await waits(['api.compensate'])).toBeUndefined()
    expect(said.join('')).toMatch(
      /^state under way, 5s of 30s: .*\nstate is back, 16s \(limit service 30s: kept\)/,
    )
  })

  it('gives up when the promised time is over, and says what to type', async () => {
    const { waits } = stage({ service: 30_000 }, [{ since: ago(31) }, true])
    expect(await waits(['api.compensate'])).toMatch(
      /^the state is not back after 31s \(limit service 30s: NOT KEPT\): .*next: sluice status/,
    )
  })

  it('does not wait where nobody works on it, or nothing is promised', async () => {
    const away = stage({ service: 30_000 }, [{}, false])
    expect(await away.waits(['api.compensate'])).toMatch(/while the hook is away.*sluice doctor/)
    const free = stage({}, [{}, true])
    expect(await free.waits(['api.compensate'])).toBeUndefined()
    expect(free.said.join('')).toMatch(/^state under way: .*sluice status/)
  })
})
