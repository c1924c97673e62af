// What the demo looks at on the live platform: what holds the next step, and the guardrails' values.
import { outlookOf } from '../../cli/outlook.ts'
import { LocalPlatform } from '../../platforms/local/client.ts'
import { type Layout, layoutOf } from '../../platforms/local/layout.ts'
import { loadPlan } from '../../platforms/plan-file.ts'
import { boundOf, describeValue, measuredValue } from '../../rollout/guardrail.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import { journalOf, latchOf, type Observation } from '../../rollout/observation.ts'
import type { Plan } from '../../rollout/plan.ts'
import { CLOCK, type Stage } from './stage.ts'

const LOOK_EVERY = 200
/** A step that is not free by then never will be. */
const PATIENCE = 180_000

/** The live rollout of a stage. */
export class Rollout {
  readonly layout: Layout
  readonly platform: LocalPlatform
  readonly plan: Plan
  readonly #planHash: string

  static async open(stage: Stage): Promise<Rollout> {
    const { plan, planHash } = await loadPlan(`${stage.folder}/huntred.plan.yaml`)
    return new Rollout(layoutOf(stage.home), plan, planHash)
  }

  constructor(layout: Layout, plan: Plan, planHash: string) {
    this.layout = layout
    this.platform = new LocalPlatform(layout)
    this.plan = plan
    this.#planHash = planHash
  }

  /** Waits until nothing but `accepted` holds the next step: bake, evidence, gates, baseline. */
  async waitUntilFree(attempt: number, accepted: string[] = []): Promise<Journal> {
    let why = ''
    const found = await this.#waitFor(
      async (observation) => {
        const request = {
          plan: this.plan,
          planHash: this.#planHash,
          position: '',
          attempt,
          confirmed: [],
          clock: CLOCK,
        }
        const { refusals } = outlookOf(request, observation, attempt)
        const open = refusals.filter(({ code }) => !accepted.includes(code))
        why = open.map(({ place, message }) => `${place} ${message}`).join('; ')
        if (latchOf(observation)?.latched) throw new Error('it was rolled back, and should not be')
        return open.length === 0 ? journalOf(observation) : undefined
      },
      () => why,
    )
    return found
  }

  /** The latch, where it is on. */
  async latched(): Promise<Latch | undefined> {
    const latch = latchOf(await this.platform.observe())
    return latch?.latched ? latch : undefined
  }

  /** Waits until the latch is on. */
  waitForLatch(): Promise<Latch> {
    return this.#waitFor(
      async (observation) => {
        const latch = latchOf(observation)
        return latch?.latched ? latch : undefined
      },
      () => 'no rollback came',
    )
  }

  /** What the guardrails see of green over the last 4 s, and what they hold it against. */
  async guardrails(journal: Journal): Promise<string> {
    const measured = await this.platform.measure('huntred', 'green', 4_000)
    const baseline = journal.baselines['huntred']
    return Object.values(this.plan.guardrails)
      .filter(({ then }) => then === 'rollback')
      .flatMap((guardrail) => {
        const bound = boundOf(guardrail, { baseline })
        const value = guardrail.metric && measuredValue(guardrail.metric, measured)
        if (!bound || value === undefined) return []
        return [
          `${describeValue(bound.metric, value)} (limit ${bound.text.replace(/ \((.*)\)$/, ', $1')})`,
        ]
      })
      .join(', ')
  }

  async #waitFor<T>(
    look: (observation: Observation) => Promise<T | undefined>,
    why: () => string,
  ): Promise<T> {
    const until = performance.now() + PATIENCE
    while (performance.now() < until) {
      const found = await look(await this.platform.observe())
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))
    }
    throw new Error(`after ${PATIENCE / 1_000} s: ${why()}`)
  }
}
