import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { judgeGate } from '../../hooks/gates/judge.ts'
import { localSurroundings } from '../../hooks/local-surroundings.ts'
import { Metrics } from '../../hooks/metrics.ts'
import { World } from '../../hooks/world.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import type { Journal } from '../../rollout/journal.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { allBlue, type ServiceWeights, split } from '../../rollout/weights.ts'
import { type Answer, Site } from '../site.ts'

/** A gate of a plan, in a home of its own, judged as the hook judges it. */
export class GateStand {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-gates-'))
  readonly layout = layoutOf(join(this.folder, 'shop-production'))
  readonly around = localSurroundings(this.layout)
  readonly metrics = new Metrics()
  readonly stop = new AbortController()
  readonly world: World
  journal: Journal
  weights: ServiceWeights

  /** @param gates of the plan, as its file would say them; the first is judged */
  constructor(
    urls: { blue: string; green: string },
    gates: Record<string, Record<string, unknown>>,
    { plan: changes = {}, clock = 1 }: { plan?: Record<string, unknown>; clock?: number } = {},
  ) {
    const { plan, planHash } = parsePlan({
      name: 'shop',
      services: { api: { blue: { url: urls.blue }, green: { url: urls.green } } },
      steps: [{ weight: 25, gates: Object.keys(gates) }, 100],
      minimumRequests: 50,
      guardrails: { health: { check: '/healthz', then: 'rollback' } },
      gates,
      ...changes,
    })
    this.weights = Object.fromEntries(Object.keys(plan.services).map((name) => [name, split(25)]))
    this.world = new World({ plan, planHash, clock })
    this.journal = {
      plan,
      planHash,
      clock,
      verified: { position: 'api@25', at: new Date().toISOString() },
      weights: this.weights,
      attempt: 1,
      guardedMs: 60_000,
      green: {},
      baselines: {},
      verdicts: [],
      backups: [],
    }
  }

  judge(name = Object.keys(this.world.charge.plan.gates)[0] as string) {
    const gate = this.world.charge.plan.gates[name]
    if (!gate) throw new Error(`no gate ${name}`)
    return judgeGate(this, gate, this.journal, this.weights, this.stop.signal)
  }

  /** As at `start`: nobody is on green. */
  withoutTraffic(): this {
    this.weights = allBlue(Object.keys(this.world.charge.plan.services))
    return this
  }

  file(name: string, text: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, text)
    return path
  }

  remove(): void {
    this.stop.abort()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What the tests of a file stand on, undone after each. */
export function ground() {
  const undone: (() => unknown)[] = []
  afterEach(async () => {
    for (const undo of undone.splice(0)) await undo()
  })
  return {
    async sites(blues?: Answer, greens?: Answer) {
      const [blue, green] = [await Site.open(blues), await Site.open(greens)]
      undone.push(
        () => blue.close(),
        () => green.close(),
      )
      return { blue, green, urls: { blue: blue.url, green: green.url } }
    },
    folder(): string {
      const made = mkdtempSync(join(tmpdir(), 'sluice-gate-file-'))
      undone.push(() => rmSync(made, { recursive: true }))
      return made
    },
    stand(...parts: ConstructorParameters<typeof GateStand>): GateStand {
      const made = new GateStand(...parts)
      undone.push(() => made.remove())
      return made
    },
  }
}
