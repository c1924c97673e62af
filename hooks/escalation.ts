import type { Operations, TripCause } from '../platforms/operations.ts'
import {
  afterMove,
  BELOW,
  crossedAtTrip,
  describeLevel,
  type Level,
  type LevelState,
  type LevelTest,
  levelTest,
  weigh,
} from '../rollout/escalation.ts'
import { isBad } from '../rollout/sequential.ts'
import { newsOf, tripOf } from './crossed.ts'
import type { Sample } from './router-log.ts'
import type { World } from './world.ts'

interface Judged {
  service: string
  test: LevelTest
  state: LevelState
  firstBadAt?: Date
}

/**
 * Tells people by how ill green is, and rolls back where a level says so; without Prometheus. When
 * green was taken back, by whatever, it tells of the levels that green had crossed by then.
 */
export class Escalation {
  readonly #world: World
  readonly #record: Operations['record']
  readonly #trip: (cause: TripCause) => void
  #levels: readonly Level[] = []
  #levelsText = '[]'
  /** By service; a test for each level. */
  readonly #judged = new Map<string, Judged[]>()
  constructor(world: World, record: Operations['record'], trip: (cause: TripCause) => void) {
    this.#world = world
    this.#record = record
    this.#trip = trip
  }

  /** Judges one answer; what does not come from a green with traffic is left out. */
  judge(sample: Sample): void {
    const { service, colour } = sample
    if (colour !== 'green' || !this.#world.judges(service)) return
    const crossed = this.#of(service).filter((judged) => {
      const bad = isBad(judged.test.detector, sample)
      if (bad === undefined) return false
      const next = weigh(judged.test, judged.state, bad)
      judged.state = next.state
      if (judged.state.evidence.bad === 0) judged.firstBadAt = undefined
      else judged.firstBadAt ??= new Date()
      return next.crossed
    })
    if (crossed.length > 0) this.#act(crossed)
  }

  /** A service's weight changed, and what its green answered before says nothing of this one. */
  moved(service: string): void {
    this.#tellOfTrip(service)
    if (!this.#world.judges(service)) this.#judged.delete(service)
    for (const judged of this.#judged.get(service) ?? []) {
      judged.state = afterMove(judged.test, judged.state)
      if (!judged.state.above) judged.firstBadAt = undefined
    }
  }

  /** Looks after what a single answer does not show: a trip, and a green that should be gone. */
  look(): void {
    for (const [service, all] of this.#judged) {
      if (!this.#world.judges(service)) this.moved(service)
      else {
        const least = all.find(({ test, state }) => test.level.rollback && state.above)
        if (least) this.#rollBack(least)
      }
    }
  }

  #act(crossed: Judged[]): void {
    // First what takes the harm away, then the news of it.
    const least = crossed.find(({ test }) => test.level.rollback)
    if (least) this.#rollBack(least)
    for (const judged of crossed) this.#tell(judged)
  }

  #tellOfTrip(service: string): void {
    if (!this.#world.latch?.latched) return
    for (const judged of this.#judged.get(service) ?? []) {
      if (!crossedAtTrip(judged.state)) continue
      judged.state = { ...judged.state, above: true }
      this.#tell(judged)
    }
  }

  #rollBack({ service, test, state, firstBadAt }: Judged): void {
    const described = describeLevel(test, state)
    this.#trip(tripOf({ service, ...described, firstBadAt: firstBadAt?.toISOString() }))
  }

  #tell({ service, test, state }: Judged): void {
    void this.#record(newsOf({ service, ...describeLevel(test, state) }, test.level))
  }

  #of(service: string): Judged[] {
    const { escalation } = this.#world.charge.plan
    if (escalation !== this.#levels) {
      this.#levels = escalation
      const text = JSON.stringify(escalation)
      // Every update hands the plan over anew, mostly the same one.
      if (text !== this.#levelsText) this.#judged.clear()
      this.#levelsText = text
    }
    const found = this.#judged.get(service)
    if (found) return found
    const made = escalation.map((level) => ({ service, test: levelTest(level), state: BELOW }))
    this.#judged.set(service, made)
    return made
  }
}
