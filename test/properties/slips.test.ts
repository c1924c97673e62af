import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { PlanError, parsePlan } from '../../rollout/parse-plan.ts'
import { positionsOf } from '../../rollout/positions.ts'
import { GUARD_MS, runsOf } from './runs.ts'

/** The plans of all migrations: between them they use the whole language. */
const STACKS = join(import.meta.dirname, '../../stacks')
const PLANS = readdirSync(STACKS)
  .filter((file) => file.endsWith('.plan.yaml'))
  .map((file) => readFileSync(join(STACKS, file), 'utf8'))

type Place = (string | number)[]

function placesOf(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at]
  const within = Object.entries(value).flatMap(([key, inner]) =>
    placesOf(inner, [...at, Array.isArray(value) ? Number(key) : key]),
  )
  return [...(at.length > 0 ? [at] : []), ...within]
}

const PLACES = PLANS.flatMap((text, plan) => placesOf(parse(text)).map((at) => ({ plan, at })))

/** What slips of the pen, and of the hand, leave behind. */
const slips = fc.oneof(
  fc.anything(),
  fc.constantFrom<unknown>(
    ...[0, -1, 1.5, 25, 101, Number.NaN, '', 'a', 'none', '5%', '0%', '120%', '1h', '0s', '/'],
    ...['env:X', 'api.green', '2x baseline', '110% of blue', '400MB', 'rollback', '2027-02-30'],
    ...[[], {}, null, true, ['a'], [0, 0], { a: {} }, { rollback: 'progressively', through: [] }],
  ),
)

describe('each plan of a migration', { timeout: GUARD_MS }, () => {
  it('with anything anywhere is a plan with positions, or a PlanError in plain words', () => {
    let wrong = 0
    fc.assert(
      fc.property(fc.constantFrom(...PLACES), slips, fc.boolean(), ({ plan, at }, slip, out) => {
        const raw = parse(PLANS[plan] as string)
        let place = raw
        for (const key of at.slice(0, -1)) place = place[key]
        const last = at.at(-1) as string | number
        if (out) delete place[last]
        else place[last] = slip
        try {
          expect(positionsOf(parsePlan(raw).plan).length).toBeGreaterThan(4)
        } catch (error) {
          expect(error).toBeInstanceOf(PlanError)
          wrong += 1
          for (const { path, message } of (error as PlanError).problems) {
            expect(path).toMatch(/^plan/)
            expect(message).not.toMatch(/Invalid|expected|received|undefined|NaN%|\[object/)
            expect(message).not.toMatch(/cannot be read/)
          }
        }
      }),
      runsOf(400, 100_000),
    )
    expect(wrong).toBeGreaterThan(50)
  })
})
