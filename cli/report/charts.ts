import type { RolloutEvent } from '../../platforms/store.ts'
import { boundOf } from '../../rollout/guardrail.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Metric, Plan } from '../../rollout/plan.ts'
import { SIDE_WORDS } from '../../rollout/side.ts'
import type { Samples } from './samples.ts'
import { growth, rates, realisedShare, sum, valuesOf } from './traffic.ts'
import { tripsOf } from './trips.ts'

/** One line of a chart; the page gives each look its colour and dash. */
export interface Line {
  label: string
  look: 'blue' | 'green' | 'green-soft' | 'blue-bad' | 'green-bad' | 'limit'
  values: (number | null)[]
}

export interface Chart {
  title: string
  unit: string
  lines: Line[]
}

/** A moment that every chart marks. */
export interface Mark {
  /** Seconds since 1970. */
  time: number
  label: string
  kind: 'step' | 'trip'
}

/** The charts of a report: weights, requests, errors and p95 of each service. Pure. */
export function chartsOf(samples: Samples, plan: Plan, journal: Journal | undefined): Chart[] {
  if (samples.times.length < 2) return []
  return Object.keys(plan.services).flatMap((service) => {
    const of = (color: string, outcome: string) =>
      valuesOf(samples, 'requests', { service, color, outcome })
    const rate = (color: string, outcome: string) => rates(samples.times, of(color, outcome))
    const grown = (color: string) => sum(growth(of(color, 'ok')), growth(of(color, 'bad')))
    const weight = (color: string) => valuesOf(samples, 'weights', { service, color })
    const p95 = (color: string) =>
      valuesOf(samples, 'p95', { service, color }).map((v) => (v === null ? null : v * 1_000))
    return [
      {
        title: `${service}: share of green`,
        unit: '%',
        lines: [
          { label: 'declared', look: 'green', values: weight('green') },
          {
            label: 'realised, of the answers',
            look: 'green-soft',
            values: realisedShare(grown('green'), grown('blue')),
          },
        ],
      },
      {
        title: `${service}: requests`,
        unit: '/s',
        lines: [
          { label: 'blue', look: 'blue', values: sum(rate('blue', 'ok'), rate('blue', 'bad')) },
          { label: 'green', look: 'green', values: sum(rate('green', 'ok'), rate('green', 'bad')) },
        ],
      },
      {
        title: `${service}: errors`,
        unit: '%',
        lines: [
          {
            label: 'blue',
            look: 'blue-bad',
            values: share(rate('blue', 'bad'), rate('blue', 'ok')),
          },
          {
            label: 'green',
            look: 'green-bad',
            values: share(rate('green', 'bad'), rate('green', 'ok')),
          },
          ...limitLines(plan, journal, service, 'error-rate', samples, 100),
        ],
      },
      {
        title: `${service}: p95`,
        unit: 'ms',
        lines: [
          { label: 'blue', look: 'blue', values: p95('blue') },
          { label: 'green', look: 'green', values: p95('green') },
          ...limitLines(plan, journal, service, 'p95', samples, 1_000),
        ],
      },
    ] satisfies Chart[]
  })
}

/** The thresholds of the guardrails that watch a metric; one against live blue is no line. */
function limitLines(
  plan: Plan,
  journal: Journal | undefined,
  service: string,
  metric: Metric,
  samples: Samples,
  scale: number,
): Line[] {
  return Object.entries(plan.guardrails).flatMap(([name, guardrail]) => {
    if (guardrail.metric !== metric) return []
    const bound = boundOf(guardrail, { baseline: journal?.baselines[service] })
    if (!bound) return []
    const values = samples.times.map(() => bound.value * scale)
    return [
      { label: `${name}: ${SIDE_WORDS[bound.side]} ${bound.text}`, look: 'limit' as const, values },
    ]
  })
}

/** What every chart marks: each position that was reached, and each trip. */
export function marksOf(events: readonly RolloutEvent[]): Mark[] {
  const steps = events
    .filter(({ kind }) => kind === 'verified')
    .map(({ at, details }) => ({
      time: Date.parse(at) / 1_000,
      label: String(details?.['position'] ?? ''),
      kind: 'step' as const,
    }))
  const trips = tripsOf(events).map(({ at, number, record }) => ({
    time: Date.parse(at) / 1_000,
    label: `trip ${number} ${record?.cause ?? ''}`.trim(),
    kind: 'trip' as const,
  }))
  return [...steps, ...trips].sort((a, b) => a.time - b.time)
}

function share(bad: (number | null)[], ok: (number | null)[]): (number | null)[] {
  return bad.map((value, index) => {
    const all = (value ?? 0) + (ok[index] ?? 0)
    return all > 0 ? (100 * (value ?? 0)) / all : null
  })
}
