import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalPlatform } from '../../platforms/local/client.ts'
import { databaseUrl, type Layout, layoutOf, portsOf } from '../../platforms/local/layout.ts'
import { stopAll } from '../../platforms/local/supervisor.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { urlOf } from '../../rollout/services.ts'
import { query } from '../platforms/local/server.ts'
import { EngineStack } from './engine-stack.ts'
import { freePorts } from './free-ports.ts'

/** A stack on the local platform, with a home and ports of its own. */
export class TestStack extends EngineStack {
  readonly home: string
  readonly layout: Layout
  readonly port: number
  readonly platform: LocalPlatform

  private constructor(folder: string, name: string, port: number) {
    const home = join(folder, 'homes', name)
    super(folder, { 'sluice:home': home })
    this.home = home
    this.port = port
    this.layout = layoutOf(home)
    this.platform = new LocalPlatform(this.layout)
  }

  /**
   * Makes the stack; nothing is deployed yet.
   * @param edit changes the plan before it is written; ports are set already
   */
  static async create(
    edit: (plan: PlanInput) => PlanInput = (plan) => plan,
    base: Base = { ports: 5, home: 'e2e', plan: planFor },
  ): Promise<TestStack> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-'))
    chmodSync(folder, 0o711)
    const stack = new TestStack(folder, base.home, await freePorts(base.ports))
    mkdirSync(join(folder, 'homes'), { mode: 0o711 })
    await stack.begin(edit(base.plan(stack.port)))
    return stack
  }

  /** The address at which users reach the router. */
  get url(): string {
    return `http://127.0.0.1:${portsOf(this.plan).listen.port}`
  }

  /** The rows that a statement gives in one of the stack's databases. */
  async sql(database: string, text: string, values?: unknown[]) {
    const { rows } = await query(databaseUrl(this.layout, database), text, values)
    return rows as Record<string, unknown>[]
  }

  /** Makes a colour misbehave, or well again. */
  async fault(
    colour: 'blue' | 'green',
    faults: Record<string, number> | undefined,
    service = Object.keys(this.plan.services)[0] as string,
  ): Promise<void> {
    await fetch(`${urlOf(this.plan, service, colour, '/faults')}`, {
      method: faults ? 'PUT' : 'DELETE',
      ...(faults ? { body: JSON.stringify(faults) } : {}),
    })
  }

  /** Ends every process of the stack and removes its folder. */
  async close(): Promise<void> {
    await stopAll(this.layout)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What a stack is made for. */
export interface Base {
  /** How many ports it takes in a row. */
  ports: number
  /** The name of its home; where the plan has environments, `<plan>-<environment>`. */
  home: string
  /** The plan, with the ports from this one on. */
  plan: (port: number) => PlanInput
}

/** The huntred plan at test size: no bake, its own ports. */
function planFor(port: number): PlanInput {
  const environment = { EXAMPLE_FAULTS: '1' }
  return {
    name: 'huntred',
    services: {
      huntred: {
        blue: { command: ['node', 'examples/huntred/v1.ts'], port: port + 3, environment },
        green: { command: ['node', 'examples/huntred/v2.ts'], port: port + 4, environment },
        affinity: { header: 'x-user-id' },
      },
    },
    steps: [5, 10, 25, 50, 100],
    bake: '1s',
    minimumRequests: 1,
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    backups: {
      huntred: { postgres: 'env:HUNTRED_URL', before: 'every-step', maximumAge: '15m' },
    },
    local: {
      listen: `127.0.0.1:${port}`,
      postgres: { databases: { huntred: 'HUNTRED_URL' } },
    },
  }
}
