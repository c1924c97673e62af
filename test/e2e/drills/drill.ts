import { afterAll, afterEach, beforeAll, beforeEach, describe, it, vi } from 'vitest'
import { SEED, seeded } from '../seeded.ts'
import { Bench, type BenchOptions } from './bench.ts'

/** A mechanism of a plan that is broken on purpose, and what is seen of it. */
export interface Drill {
  /** The paths of the plan's mechanisms that fire in it: `guardrails.errors`, `gates.suite`. */
  of: string | string[]
  /** A sentence: what is broken, and what comes of it. */
  title: string
  run(bench: Bench): Promise<void>
}

/** The drills of a plan, and the stack that they run on. */
export interface Drills {
  plan: string
  bench: BenchOptions
  drills: Drill[]
}

const PLANS = ['huntred', 'hexabuilders', 'resume-review', 'supersmartmatch', 'cvplus']
/** So many drills of one plan run without SLUICE_TEST_ALL=1. */
const PART = 3

/** Runs the drills of a plan on one stack, or a seeded part of them, or none. */
export function runDrills({ plan, bench: options, drills }: Drills): void {
  vi.setConfig({ testTimeout: 400_000, hookTimeout: 300_000 })
  const chosen = seeded(PLANS, 1).includes(plan) ? seeded(drills, PART) : []
  const titled = chosen.map((drill) => [[drill.of].flat().join(', '), drill.title, drill] as const)

  describe.runIf(chosen.length > 0)(`each mechanism of ${plan} is seen to fire (${SEED})`, () => {
    let bench: Bench
    beforeAll(async () => {
      bench = await Bench.create(options)
    })
    afterAll(() => bench?.close())
    beforeEach(() => bench.begin())
    afterEach(() => bench.heal())

    it.each(titled)('%s: %s', async (_of, _title, drill) => {
      await drill.run(bench)
    })
  })
}

/** The mechanisms that a plan's drills are of. */
export function drilled({ drills }: Drills): string[] {
  return drills.flatMap(({ of }) => of)
}
