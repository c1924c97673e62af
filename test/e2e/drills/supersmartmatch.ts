import { expect } from 'vitest'
import { SETTLED_AFTER_MS } from '../../../rollout/descent.ts'
import type { PlanInput } from '../../../rollout/plan.ts'
import { urlOf } from '../../../rollout/services.ts'
import type { Bench } from './bench.ts'
import { QUIET } from './cuts.ts'
import type { Drill, Drills } from './drill.ts'
import { gateHolds, gateRollsBack, unconfirmedHolds } from './gates.ts'
import { descended, rolledBack } from './seen.ts'

const init = {
  method: 'POST',
  body: JSON.stringify({ id: 'a', questionnaire_completeness: 0.9, skills_count: 6 }),
}
const asked = [{ path: '/match', init, by: ['v1'] }]
const limits = ['traffic', 'plan'] as const

/** The guardrails, flags and limits as they are; two short steps, and no checks before. */
function guardrails(plan: PlanInput): PlanInput {
  const { phases: _phases, ...rest } = plan
  return { ...rest, steps: [50, 100], bake: '10s', settle: '0s', start: {}, gates: {}, retire: {} }
}

/** An hour at each step of the way down, so that a step is not over before its instability counts. */
function unstable(plan: PlanInput): PlanInput {
  const cut = guardrails(plan)
  const drop = cut.guardrails?.['precision-drop']
  const then = { ...(drop?.then as object), every: '1h' }
  return { ...cut, guardrails: { 'precision-drop': { ...drop, then } as typeof drop & object } }
}

/** One gate of the plan as it is, at one short step; nothing else judges. */
const only =
  (...names: string[]) =>
  (plan: PlanInput): PlanInput => {
    const gates = Object.fromEntries(
      Object.entries(plan.gates ?? {}).filter(([name]) => names.includes(name)),
    )
    const steps = [{ weight: 50, bake: '1m', gates: names }, 100]
    const { phases: _phases, ...rest } = plan
    return {
      ...rest,
      gates,
      steps,
      bake: '1m',
      settle: '0s',
      start: {},
      // Of so many answers one of ten that fails is never by chance none.
      minimumRequests: 200,
      guardrails: QUIET,
      retire: {},
    }
  }

/** The checks before the first step as they are. */
const start = (plan: PlanInput): PlanInput => {
  const gates = Object.fromEntries(
    Object.entries(plan.gates ?? {}).filter(([name]) => plan.start?.gates?.includes(name)),
  )
  return {
    ...guardrails(plan),
    guardrails: QUIET,
    gates,
    start: { bake: '1s', gates: plan.start?.gates },
  }
}

const retire = (plan: PlanInput): PlanInput => {
  const { stable } = plan.gates ?? {}
  return {
    ...only()(plan),
    steps: [100],
    gates: { stable: stable as object },
    retire: { gates: ['stable'] },
  }
}

const AT_A_STEP = ['gains', 'experiment', 'satisfaction', 'nexten', 'conversion', 'go']
const EVERY_STEP = ['precision', 'response-time', 'error-rate', 'fallback-rate', 'no-incident']
const variants = {
  guardrails,
  unstable,
  start,
  retire,
  ...Object.fromEntries([...AT_A_STEP, ...EVERY_STEP].map((name) => [name, only(name)])),
}

/** What green says of its matches is of the last 500: so many more of them. */
async function refill(bench: Bench): Promise<void> {
  const url = urlOf(bench.stack.plan, 'matcher', 'green', '/match') as string
  for (let n = 0; n < 500; n += 50) {
    await Promise.all([...Array(50)].map(async () => (await fetch(url, init)).body?.cancel()))
  }
}
const green = (faults: Record<string, number>) => (bench: Bench) => bench.fault('matcher', faults)
/** Matches of green are bad, the last 500 too; afterwards they are good again. */
const matches = (faults: Record<string, number>) => async (bench: Bench) => {
  bench.afterwards(() => refill(bench))
  await bench.fault('matcher', faults)
  await refill(bench)
}
const blue = (faults: Record<string, number>) => (bench: Bench) =>
  bench.fault('matcher', faults, 'blue')
const nextenOff = async (bench: Bench) => {
  bench.afterwards(async () => {
    await bench.sluice('flag', 'enable-nexten', 'on')
    await refill(bench)
  })
  expect((await bench.sluice('flag', 'enable-nexten', 'off')).code).toBe(0)
  await refill(bench)
}

const holdsAtStep = (gate: string, broken: string, breaks: (bench: Bench) => unknown) =>
  gateHolds(gate, broken, breaks, 'matcher@50', gate)
const holdsAtStart = (gate: string, broken: string, breaks: (bench: Bench) => unknown) =>
  gateHolds(gate, broken, breaks, 'start', 'start')
const rollsBack = (gate: string, broken: string, breaks: (bench: Bench) => unknown) =>
  gateRollsBack(gate, broken, 'matcher@50', asked, breaks, { limits: [...limits] }, gate)

/**
 * A baseline that grows no more: it would take what a drill breaks for what was before. Of so many
 * answers that those of a V1 which has only just started are less than a twentieth.
 */
async function fixBaseline(bench: Bench): Promise<void> {
  await bench.stack.until('a baseline', async () => {
    return ((await bench.journal()).baselines['matcher']?.requests ?? 0) >= 2_000
  })
  // It is of the first attempt alone.
  expect((await bench.sluice('rollback', '--reason', 'a second attempt')).code).toBe(0)
}

const drills: Drill[] = [
  {
    of: 'guardrails.response-time-high',
    title: 'a p95 above 150 ms for 5 minutes enables performance mode, and takes nothing back',
    async run(bench) {
      await bench.at('matcher@100')
      bench.afterwards(() => bench.sluice('flag', 'performance-mode', 'off'))
      expect(bench.flags()('performance-mode', { bucket: 0 })).toBe(false)
      await bench.fault('matcher', { work: 300 })
      await bench.stack.until(
        'performance mode',
        () => bench.flags()('performance-mode', { bucket: 0 }),
        120,
      )
      const url = urlOf(bench.stack.plan, 'matcher', 'green', '/metrics') as string
      await bench.stack.until('green to work in it', async () =>
        /^performance_mode 1/m.test(await (await fetch(url)).text()),
      )
      expect(await bench.weights()).toEqual({ matcher: 100 })
    },
  },
  {
    of: ['limits.flag', 'rollback.flag'],
    title: 'sluice flag takes performance mode back within the minute that is promised',
    async run(bench) {
      await bench.at('matcher@50')
      await bench.sluice('flag', 'performance-mode', 'on')
      expect(bench.flags()('performance-mode', { bucket: 0 })).toBe(true)
      const { code, output } = await bench.sluice('flag', 'performance-mode', 'off')
      expect(output).toMatch(/limit flag 1m: kept/)
      expect(code).toBe(0)
      expect(bench.flags()('performance-mode', { bucket: 0 })).toBe(false)
      expect(await bench.weights()).toEqual({ matcher: 50 })
    },
  },
  {
    of: ['guardrails.precision-drop', 'rollback.progressive'],
    title: 'a precision below 0.90 goes back through 75, 50 and 25 to 0, and never up',
    async run(bench) {
      await bench.at('matcher@100')
      await matches({ imprecise: 0.5 })(bench)
      await descended(bench, 'matcher', [75, 50, 25, 0])
      await rolledBack(bench, { cause: 'precision-drop', asked })
    },
  },
  {
    of: 'rollback.progressive',
    title: 'a step of the way down that is not stable is left at once, long before its time',
    async run(bench) {
      await bench.at('matcher@100', 'unstable')
      await matches({ imprecise: 0.5 })(bench)
      const ms = await descended(bench, 'matcher', [75, 50, 25, 0], true)
      // Each step has the time to show what it is, and an hour, a minute here, if it is stable.
      expect(ms).toBeGreaterThanOrEqual(3 * SETTLED_AFTER_MS)
      await rolledBack(bench, { cause: 'precision-drop', asked })
    },
  },
  {
    of: 'rollback.progressive',
    title: 'sluice rollback --progressively stays five minutes at 75, at 50 and at 25',
    async run(bench) {
      await bench.at('matcher@100')
      const done = await bench.sluice('rollback', '--progressively', '--reason', 'a drill')
      expect(done.code, done.output).toBe(0)
      const ms = await descended(bench, 'matcher', [75, 50, 25, 0])
      // Three times five minutes at a clock of 60.
      expect(ms).toBeGreaterThan(14_000)
      await rolledBack(bench, { cause: 'rollback', asked })
    },
  },
  {
    of: ['guardrails.error-rate-high', 'limits.plan', 'limits.traffic', 'rollback.plan'],
    title: 'an error rate above 1 % goes back at once, far below the five minutes promised',
    async run(bench) {
      await bench.at('matcher@50')
      await bench.fault('matcher', { errors: 0.2 })
      await rolledBack(bench, { cause: 'error-rate-high', asked, limits: [...limits] })
    },
  },
  {
    of: 'guardrails.health',
    title: 'a green that says it is ill goes back',
    async run(bench) {
      await bench.at('matcher@50')
      await bench.fault('matcher', { unhealthy: 1 })
      await rolledBack(bench, { cause: 'health', asked, limits: [...limits] })
    },
  },
  gateHolds('sanity', 'a V2 that fails', green({ errors: 1 }), 'start', 'start', true),
  holdsAtStart('api-v1', 'an answer with a field that V1 has not', green({ wrong: 1 })),
  holdsAtStart('rules', 'a selector without Nexten', nextenOff),
  holdsAtStart('failover', 'a V1 that cannot take over', blue({ errors: 1 })),
  holdsAtStart('load', 'a V2 that takes 200 ms', green({ slow: 1, slowMs: 200 })),
  holdsAtStart('v1-unaffected', 'a V1 that takes 300 ms more', blue({ slow: 1, slowMs: 300 })),
  holdsAtStart('v1-errors-unaffected', 'a V1 that fails one time of fifty', blue({ errors: 0.02 })),
  holdsAtStep('gains', 'a V2 that is wrong more often than V1', matches({ imprecise: 0.5 })),
  rollsBack('experiment', 'a V2 that is no better than V1', matches({ imprecise: 0.4 })),
  holdsAtStep(
    'satisfaction',
    'users of whom a tenth is not pleased',
    matches({ dissatisfied: 0.1 }),
  ),
  holdsAtStep('nexten', 'a selector without Nexten', nextenOff),
  holdsAtStep('conversion', 'matches of which half lead nowhere', matches({ unconverted: 0.5 })),
  unconfirmedHolds('go', 'matcher@50', 'go'),
  unconfirmedHolds('no-incident', 'matcher@50', 'no-incident'),
  rollsBack('precision', 'a precision of 0.9', matches({ imprecise: 0.1 })),
  rollsBack('response-time', 'a p95 of 150 ms', green({ work: 150 })),
  rollsBack('error-rate', 'one answer of ten failing', green({ errors: 0.1 })),
  rollsBack('fallback-rate', 'one match of ten falling back', green({ broken: 0.1 })),
  gateHolds('stable', 'failing answers at 100 %', green({ errors: 0.1 }), 'promoted', 'retire'),
]

export const supersmartmatch: Drills = {
  plan: 'supersmartmatch',
  drills,
  bench: {
    name: 'supersmartmatch',
    clock: 60,
    rate: 80,
    variants,
    begun: fixBaseline,
    paths: [{ path: '/match', headers: { 'content-type': 'application/json' }, ...init }],
  },
}
