import { Gauge, type Registry } from 'prom-client'
import type { Operations } from '../platforms/operations.ts'
import { type FlagReport, Refused } from '../platforms/platform.ts'
import type { Router } from '../platforms/router.ts'
import {
  type Answers,
  adoptionOf,
  type FlagState,
  flagShares,
  flagStateOf,
  flagText,
  percentOf,
  removedFlags,
  type Share,
} from '../rollout/flag-file.ts'
import { describeHeld, heldAgainst } from '../rollout/limits.ts'
import { greenOf, rising, type ServiceWeights, split, type Weights } from '../rollout/weights.ts'
import type { World } from './world.ts'

/** Keeps the flag file of the home as weights, latch and journal say. */
export class Flags {
  readonly #world: World
  readonly #writeFile: (text: string) => void | Promise<void>
  readonly #tell: (problem: string) => void
  readonly #shown: (weights: ServiceWeights) => ServiceWeights
  readonly #percent: Gauge<'flag'>
  #written = ''
  #problem = ''
  /** One write after the other: what was decided last is what stands. */
  #turn: Promise<void> = Promise.resolve()
  /**
   * @param writeFile durably; throws where it cannot
   * @param tell of a file that cannot be written; once a reason
   * @param answers of the last ten seconds, by service
   * @param shown the weights by which the file tells users apart; default those that are given
   */
  constructor(
    world: World,
    writeFile: (text: string) => void | Promise<void>,
    registry: Registry,
    tell: (problem: string) => void,
    answers: Answers = () => ({ blue: 0, green: 0 }),
    shown: (weights: ServiceWeights) => ServiceWeights = (weights) => weights,
  ) {
    this.#shown = shown
    this.#world = world
    this.#writeFile = writeFile
    this.#tell = tell
    this.#percent = new Gauge({
      name: 'sluice_flag_percent',
      help: 'Percent of the users for whom a flag is on',
      labelNames: ['flag'],
      registers: [registry],
    })
    const shares = () => this.#shares()
    new Gauge({
      name: 'sluice_flag_adoption',
      help: 'Share of the answers of the last ten seconds that were served with a flag on',
      labelNames: ['flag'],
      registers: [registry],
      collect() {
        this.reset()
        for (const [flag, share] of Object.entries(shares())) {
          const adoption = adoptionOf(world.charge.plan, flag, share, answers)
          if (adoption !== undefined) this.set({ flag }, adoption)
        }
      },
    })
  }

  #shares(): Record<string, Share> {
    return flagShares(this.#state(this.#world.weights))
  }

  #state(weights: ServiceWeights): FlagState {
    const { charge, latch, journal } = this.#world
    return flagStateOf(charge.plan, weights, latch, journal)
  }

  /**
   * Writes the file where it does not say what it should.
   * @throws where it cannot be written
   */
  write(weights: ServiceWeights): Promise<void> {
    const turn = this.#turn.then(() => this.#write(weights))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #write(weights: ServiceWeights): Promise<void> {
    const state = this.#state(weights)
    const text = flagText({ ...state, weights: this.#shown(weights) })
    if (text !== this.#written) await this.#writeFile(text)
    this.#written = text
    this.#percent.reset()
    for (const [flag, share] of Object.entries(flagShares(state))) {
      this.#percent.set({ flag }, percentOf(share))
    }
  }

  /** The same for what is live, and never throws: what failed is tried again with the next look. */
  async refresh(weights = this.#world.weights): Promise<void> {
    // Nothing is known of the router yet: what stands in the file is nearer to the truth than all off.
    if (Object.keys(weights).length === 0) return
    try {
      await this.write(weights)
      this.#problem = ''
    } catch (error) {
      const problem = `the flag file could not be written: ${(error as Error).message}`
      if (problem !== this.#problem) this.#tell(problem)
      this.#problem = problem
    }
  }
}

/**
 * Sets a flag for a person, and tells how long it took from the command to the file, which is what
 * limits.flag is held against. When the services have read it is theirs to say.
 * @throws Refused for a flag that the plan has not, and where nothing is deployed
 */
export async function setFlagFor(
  flags: Flags,
  world: World,
  operations: Pick<Operations, 'setFlag' | 'record'>,
  { flag, on, by }: { flag: string; on: boolean; by: string },
): Promise<FlagReport> {
  const started = performance.now()
  const { plan } = world.charge
  if (!Object.hasOwn(plan.flags, flag)) {
    const known = Object.keys(plan.flags).join(', ') || 'none'
    throw new Refused(`"${flag}" is no flag of the plan ${plan.name}; it has ${known}`)
  }
  if (!world.journal) throw new Refused('nothing is deployed yet; next: pulumi up')
  if (removedFlags(plan, world.journal).includes(flag)) {
    throw new Refused(
      `the flag ${flag} was removed with the code that read it; next: pulumi config set sluice:step released, which deploys blue again`,
    )
  }
  await operations.setFlag(flag, on, `by ${by}`)
  await flags.write(world.weights)
  const tookMs = Math.round((performance.now() - started) * 10) / 10
  const limits = heldAgainst(plan, 'flag', tookMs)
  const { journal, latch, weights } = world
  const share = flagShares({ plan, weights, latch, set: journal.flags })[flag]
  const percent = share ? percentOf(share) : 0
  await operations.record({
    kind: 'flag',
    message: `flag ${flag} is on for ${percent} % of the users, ${describeHeld(tookMs, limits)} after the command of ${by}`,
    severity: 'info',
    details: { flag, on, percent, tookMs, limits },
  })
  return { flag, on, percent, tookMs, limits }
}

/** A router whose rises wait for the flag file, and whose falls take the flags off with them. */
export class FlaggedRouter implements Router {
  readonly #router: Router
  readonly #flags: Flags
  readonly #known: () => ServiceWeights
  /** @param known the weights as last read or written */
  constructor(router: Router, flags: Flags, known: () => ServiceWeights) {
    this.#router = router
    this.#flags = flags
    this.#known = known
  }

  read(): Promise<ServiceWeights> {
    return this.#router.read()
  }

  /** @throws Refused where green would rise and the flag file cannot be written */
  async write(weights: ServiceWeights): Promise<void> {
    const before = await this.#before(weights)
    const next = { ...before, ...weights }
    const up = rising(before, next)
    if (up.length > 0) {
      const highest = Object.keys(next).map((service) => [
        service,
        split(Math.max(greenOf(before, service), greenOf(next, service))),
      ])
      try {
        await this.#flags.write(Object.fromEntries(highest))
      } catch (error) {
        throw new Refused(
          `green of ${up.join(', ')} does not rise: the flag file could not be written (${(error as Error).message}); next: sluice doctor`,
        )
      }
    }
    await this.#router.write(weights)
    await this.#flags.refresh(next)
  }

  healthy(service: string, colour: keyof Weights): Promise<boolean> {
    return this.#router.healthy(service, colour)
  }

  get native(): boolean {
    return this.#router.native ?? false
  }

  async mayRise(service: string, before: number, after: number): Promise<void> {
    await this.#router.mayRise?.(service, before, after)
  }

  async seen(services: string[], before: ServiceWeights): Promise<void> {
    await this.#router.seen?.(services, before)
  }

  /** Green at 0 is never a rise, so that a way back asks nobody. */
  async #before(weights: ServiceWeights): Promise<ServiceWeights> {
    const known = this.#known()
    const asks = Object.keys(weights).filter(
      (service) => !Object.hasOwn(known, service) && greenOf(weights, service) > 0,
    )
    return asks.length > 0 ? this.#router.read() : known
  }
}
