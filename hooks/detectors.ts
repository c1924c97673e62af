import type { TripCause } from '../platforms/operations.ts'
import { type Reach, reachOf } from '../rollout/action.ts'
import {
  type Detector,
  describe,
  detectorFor,
  type Evidence,
  isBad,
  NO_EVIDENCE,
  step,
} from '../rollout/sequential.ts'
import type { Metrics } from './metrics.ts'
import type { Sample } from './router-log.ts'
import type { World } from './world.ts'

/** How much of blue is looked at where a threshold is a multiple of what blue measures now. */
const BLUE_WINDOW_MS = 30_000

interface Judge {
  guardrail: string
  service: string
  reach: Reach
  detector: Detector
  evidence: Evidence
  firstBadAt?: Date
}

/** The sequential tests: one for each guardrail that judges at once, and service. */
export class Detectors {
  readonly #world: World
  readonly #metrics: Metrics
  readonly #trip: (cause: TripCause) => void
  #judges: Judge[] = []
  constructor(world: World, metrics: Metrics, trip: (cause: TripCause) => void) {
    this.#world = world
    this.#metrics = metrics
    this.#trip = trip
  }

  /** Brings the tests to the plan, the baselines and what blue measures now; evidence is kept. */
  refresh(): void {
    const { charge, journal } = this.#world
    const before = this.#judges
    this.#judges = Object.keys(charge.plan.services).flatMap((service) => {
      const references = {
        baseline: journal?.baselines[service],
        blue: this.#metrics.measure(service, 'blue', BLUE_WINDOW_MS),
      }
      return Object.entries(charge.plan.guardrails).flatMap(([name, guardrail]): Judge[] => {
        const judged = guardrail.services?.includes(service) ?? true
        const detector = judged ? detectorFor(guardrail, references) : undefined
        if (!detector) return []
        const old = before.find((judge) => judge.guardrail === name && judge.service === service)
        const { evidence, firstBadAt } = old ?? { evidence: NO_EVIDENCE }
        const reach = reachOf(guardrail)
        return [{ guardrail: name, service, reach, detector, evidence, firstBadAt }]
      })
    })
  }

  /** After a move of a service: what was seen at the former weight says nothing of this one. */
  reset(service: string): void {
    for (const judge of this.#judges) if (judge.service === service) forget(judge)
  }

  /** Judges one answer; what does not come from a green with traffic is left out. */
  judge({ service, colour, bad, seconds, fallback }: Sample): void {
    if (colour !== 'green' || !this.#world.judges(service)) return
    for (const judge of this.#judges) {
      if (judge.service !== service) continue
      const verdict = isBad(judge.detector, { bad, seconds, fallback })
      if (verdict === undefined) continue
      const { state, tripped } = step(judge.detector, judge.evidence, verdict)
      judge.evidence = state
      if (state.bad === 0) judge.firstBadAt = undefined
      else judge.firstBadAt ??= new Date()
      if (tripped) this.#tripBy(judge)
    }
  }

  #tripBy(judge: Judge): void {
    const { value, threshold } = describe(judge.detector, judge.evidence)
    const { guardrail, service, firstBadAt } = judge
    forget(judge)
    this.#trip({
      cause: guardrail,
      value,
      threshold,
      reason: `guardrail ${guardrail}: green of ${service} has ${value}, above ${threshold}`,
      service,
      ...judge.reach,
      firstBadAt: firstBadAt?.toISOString(),
    })
  }
}

function forget(judge: Judge): void {
  judge.evidence = NO_EVIDENCE
  judge.firstBadAt = undefined
}
