import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import type { Drill } from './drill.ts'
import { type Expected, rolledBack } from './seen.ts'

/** Something is broken before a gate is judged; healed when the drill is over. */
type Break = (bench: Bench) => unknown

/**
 * A gate that fails holds the next step and says why.
 * @param at the position whose gate it is; default `start`
 * @param variant of the plan; default `gates`
 * @param heals true to see that it lets the step go when what was broken is healed
 */
export function gateHolds(
  gate: string,
  broken: string,
  breaks: Break,
  at = 'start',
  variant = 'gates',
  heals = false,
): Drill {
  return {
    of: `gates.${gate}`,
    title: `${broken} fails ${gate}, which holds the step after ${at}${heals ? ' until it is well again' : ''}`,
    async run(bench) {
      await arrive(bench, at, variant, breaks)
      await bench.holds(`gates.${gate}`, /^failed at/)
      expect(await bench.weights()).toEqual(percentsAt(bench, at))
      if (!heals) return
      await bench.heal()
      // What was measured over a bake stays: it takes another one.
      if (bench.stack.plan.gates[gate]?.over === 'bake') await arrive(bench, at, variant)
      await bench.holdsNoMore(`gates.${gate}`)
    },
  }
}

/** A gate that fails at a step takes green back. */
export function gateRollsBack(
  gate: string,
  broken: string,
  at: string,
  asked: Expected['asked'],
  breaks: Break,
  more: Partial<Expected> = {},
  variant = 'gates',
): Drill {
  return {
    of: `gates.${gate}`,
    title: `${broken} fails ${gate} at ${at}, which takes green back`,
    async run(bench) {
      await arrive(bench, at, variant, breaks)
      await rolledBack(bench, { cause: gate, asked, ...more })
    },
  }
}

/** A gate that a person answers holds until somebody does. */
export function unconfirmedHolds(gate: string, at: string, variant = 'gates'): Drill {
  return {
    of: `gates.${gate}`,
    title: `nobody has answered ${gate}, which holds the step after ${at} until somebody does`,
    async run(bench) {
      await bench.at(at, variant)
      bench.unconfirmed()
      await bench.holds(`gates.${gate}`, /nobody has confirmed/)
      await bench.heal()
      await bench.holdsNoMore(`gates.${gate}`)
    },
  }
}

/** At a position with its gates not judged yet, and something broken. */
export async function arrive(
  bench: Bench,
  at: string,
  variant: string,
  breaks?: Break,
): Promise<void> {
  await bench.into(variant)
  await bench.at(at === 'start' ? 'start' : bench.before(at), variant)
  if (at === 'start') await bench.prepared()
  else await bench.ready(at)
  await breaks?.(bench)
  if (at === 'start') await bench.anew()
  else await bench.up({ step: at })
}

function percentsAt(bench: Bench, at: string): Record<string, number> {
  const { weights } = bench.position(at)
  return Object.fromEntries(Object.entries(weights).map(([name, { green }]) => [name, green]))
}
