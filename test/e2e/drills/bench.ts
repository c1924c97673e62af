import { expect } from 'vitest'
import { admit } from '../../../rollout/admission.ts'
import type { PlanInput } from '../../../rollout/plan.ts'
import { positionsOf } from '../../../rollout/positions.ts'
import type { Refusal } from '../../../rollout/refusal.ts'
import { Migration, type MigrationOptions } from '../migrations/migration.ts'
import { Breakable } from './breakable.ts'

/** How a plan is cut for a drill: what is drilled stays as the plan has it. */
export type Variants = Record<string, (plan: PlanInput) => PlanInput>

export interface BenchOptions extends Omit<MigrationOptions, 'edit'> {
  /** The first is deployed first. */
  variants: Variants
  /** ms that every service takes: what a drill makes slow is far from it. Default 20. */
  work?: number
  /** What runs beside the stack: systems outside that the plan asks for. */
  beside?: (bench: Bench) => Promise<() => Promise<unknown>>
  /** What comes once, after the deployment and before every drill. */
  begun?: (bench: Bench) => Promise<unknown>
}

/** One deployed stack on which one drill comes after the other. */
export class Bench extends Breakable {
  readonly #variants: Variants
  readonly #base: PlanInput
  #variant: string
  #edition = 0
  #refused = false

  private constructor(migration: Migration, base: PlanInput, options: BenchOptions) {
    super(migration, options)
    this.#base = base
    this.#variants = options.variants
    this.#variant = Object.keys(options.variants)[0] as string
  }

  static async create(options: BenchOptions): Promise<Bench> {
    const { variants, beside, begun, work = 20, ...rest } = options
    let base: PlanInput | undefined
    const first = Object.values(variants)[0] as Variants[string]
    const migration = await Migration.create({
      ...rest,
      edit: (plan) => {
        base = working(plan, work)
        return first(base)
      },
    })
    const bench = new Bench(migration, base as PlanInput, options)
    if (beside) migration.beside(await beside(bench))
    await migration.deploy()
    await begun?.(bench)
    return bench
  }

  /** Brings the rollout to a position: acknowledges what was rolled back, goes down or up. */
  async at(position: string, variant = Object.keys(this.#variants)[0] as string): Promise<void> {
    if (this.#variant === variant && (await this.begun(position))) return this.settled()
    await this.into(variant)
    const names = positionsOf(this.stack.plan).map(({ name }) => name)
    const standing = (await this.journal()).verified.position
    if (names.indexOf(position) < names.indexOf(standing)) await this.up({ step: position })
    else await this.migration.goTo(position, standing, 180)
    if (position !== 'start') await this.settled()
  }

  /** Its bake is over and its gates have passed: what is broken now is seen by guardrails alone. */
  async settled(): Promise<void> {
    const next = await this.next()
    await this.stack.until(
      `the bake before ${next} to be over, and its gates passed`,
      async () => {
        const codes = (await this.stack.held(next)).map(({ code }) => code)
        return !['bake', 'gate', 'evidence'].some((code) => codes.includes(code as 'bake'))
      },
      120,
    )
  }

  /** The next attempt may begin one position after its landing: then one update does both. */
  async begun(position: string): Promise<boolean> {
    const { latched, trips, trip, attempt: last } = await this.landed()
    const landing = this.position(trip?.landing ?? 'start')
    if (!latched || this.position(position).index !== landing.index + 1) return false
    const attempt = trips + 1
    this.stack.set({ attempt, step: position, confirmed: this.#confirmed(attempt) })
    const request = this.stack.request(position)
    let waitsForStart = false
    await this.stack.free(position, 180, async () => {
      const observation = await this.stack.platform.observe()
      const { refusals } = admit(request, observation, 'preview', last)
      // What runs before the first step runs at start, so the attempt has to begin there.
      waitsForStart = refusals.some(({ code }) => code === 'operation')
      return waitsForStart ? [] : refusals
    })
    if (waitsForStart) return false
    await this.up({})
    return true
  }

  /** Back at start, under whatever is deployed. */
  async atStart(): Promise<void> {
    const { latched, trip } = await this.landed()
    if (latched && trip) await this.recover()
    if ((await this.journal()).verified.position !== 'start') await this.up({ step: 'start' })
  }

  /** Another cut of the plan is deployed, at start; what was rolled back is acknowledged. */
  async into(variant: string): Promise<void> {
    if (this.#variant === variant) return this.recover()
    const { latched, trip } = await this.landed()
    if (latched && trip?.landing !== 'start') await this.recover()
    const { position } = (await this.journal()).verified
    if (position !== 'start') await this.up({ step: 'start' })
    await this.anew(variant)
    this.#variant = variant
  }

  /** At start: the plan under a new hash, so that every gate is judged once more. */
  async anew(variant = this.#variant): Promise<void> {
    this.#edition++
    const edit = this.#variants[variant]
    if (!edit) throw new Error(`there is no variant ${variant}`)
    const plan = edit(this.#base)
    const retire = { ...plan.retire, after: `${this.#edition}s` }
    await this.stack.writePlan({ ...plan, retire })
    const { latched, trips, attempt } = await this.landed()
    const next = latched ? trips + 1 : attempt
    await this.up({ attempt: next, step: 'start', confirmed: this.#confirmed(next) })
  }

  /** An update that must work. */
  async up(values: Record<string, unknown>): Promise<void> {
    const { code, output } = await this.stack.set(values).up()
    if (code !== 0) throw new Error(output)
  }

  /** Begins the next attempt where the last one was rolled back. */
  async recover(): Promise<void> {
    const { latched, trips, trip } = await this.landed()
    if (!latched) return
    const attempt = trips + 1
    await this.up({ attempt, step: trip?.landing, confirmed: this.#confirmed(attempt) })
  }

  /** Every position, as a person who has nothing against any of them answers. */
  #confirmed(attempt: number): string[] {
    const names = positionsOf(this.stack.plan).map(({ name }) => name)
    return attempt === 1 ? names : names.map((name) => `${name}#${attempt}`)
  }

  /** Nobody has confirmed anything. */
  unconfirmed(): void {
    this.stack.set({ confirmed: [] })
    this.afterwards(async () => {
      const { attempt } = await this.latch()
      this.stack.set({ confirmed: this.#confirmed(attempt) })
    })
  }

  /** Nothing holds a position. */
  async ready(name: string): Promise<void> {
    await this.stack.until(
      `nothing to hold ${name}`,
      async () => (await this.stack.held(name)).length === 0,
      180,
    )
  }

  /** What the plan runs before its first step has run. */
  async prepared(): Promise<void> {
    const next = await this.next()
    await this.stack.until(
      'the operations before the first step',
      async () => (await this.stack.held(next)).every(({ code }) => code !== 'operation'),
      120,
    )
  }

  /** Waits until something of this place holds the next position, and gives it. */
  async holds(place: string, what = /./, seconds = 120): Promise<Refusal> {
    const next = await this.next()
    let found: Refusal | undefined
    let last: Refusal[] = []
    const held = async () => {
      last = await this.stack.held(next)
      found = last.find((each) => each.place === place && what.test(each.message))
      return found !== undefined
    }
    await this.stack.until(`${place} to hold ${next}`, held, seconds).catch((error: Error) => {
      const told = last.map(({ place, message }) => `${place} ${message}`)
      throw new Error([error.message, ...told].join('\n'))
    })
    await this.refusesOnce(next)
    return found as Refusal
  }

  /** Waits until nothing of this place holds the next position any more. */
  async holdsNoMore(place: string, seconds = 120): Promise<void> {
    const next = await this.next()
    await this.stack.until(
      `${place} to hold ${next} no more`,
      async () => (await this.stack.held(next)).every((each) => each.place !== place),
      seconds,
    )
  }

  /** The engine itself is refused; once a plan, as every refusal comes the same way. */
  async refusesOnce(next: string): Promise<void> {
    if (this.#refused) return
    this.#refused = true
    const before = await this.weights()
    const standing = (await this.journal()).verified.position
    const up = await this.stack.set({ step: next }).up()
    expect(up.code, up.output).not.toBe(0)
    expect(await this.weights()).toEqual(before)
    this.stack.set({ step: standing })
  }
}

/** Every service takes so long, and few requests wait at a time. */
function working(plan: PlanInput, ms: number): PlanInput {
  const edited = structuredClone(plan)
  for (const { blue, green } of Object.values(edited.services)) {
    for (const colour of [blue, green]) {
      if (colour === 'none' || colour.command === undefined) continue
      colour.environment = { ...colour.environment, EXAMPLE_WORK: String(ms) }
    }
  }
  return edited
}
