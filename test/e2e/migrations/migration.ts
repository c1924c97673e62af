import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parse } from 'yaml'
import { type Load, type LoadPath, startLoad } from '../../../examples/load.ts'
import type { PlanInput } from '../../../rollout/plan.ts'
import { positionsOf } from '../../../rollout/positions.ts'
import { checkout } from '../../../tools/checkout.ts'
import { seeded } from '../seeded.ts'
import { TestStack } from '../test-stack.ts'

const RUNS = ['huntred', 'hexabuilders', 'resume-review', 'supersmartmatch', 'cvplus']

/** True for the runs that are tried now: one of them, or all with SLUICE_TEST_ALL=1. */
export function chosen(name: string): boolean {
  return seeded(RUNS, 1).includes(name)
}

/** Every plan takes the twenty ports from its own block's 80 on: 8480 to 8499, and so on. */
const PORTS = 20

export interface MigrationOptions {
  /** As in stacks/: the plan's name. */
  name: string
  /** How many times faster than real. */
  clock: number
  environment?: string
  /** What users ask for. */
  paths: LoadPath[]
  /** Requests a second; default 100. */
  rate?: number
  /** Changes the plan, which is else as it stands, on ports of its own and with few answers. */
  edit?: (plan: PlanInput) => PlanInput
}

/** One of the five migrations on the real engine, with users and with somebody who reads its news. */
export class Migration {
  readonly stack: TestStack
  readonly #options: MigrationOptions
  readonly #closing: (() => Promise<unknown>)[] = []
  /** What was told to the people of the plan: the variable of the channel's address, then the message. */
  readonly news: string[] = []
  load!: Load

  private constructor(stack: TestStack, options: MigrationOptions) {
    this.stack = stack
    this.#options = options
  }

  static async create(options: MigrationOptions): Promise<Migration> {
    const { name, clock, environment, edit = (plan) => plan } = options
    const home = environment === undefined ? name : `${name}-${environment}`
    const stack = await TestStack.create(edit, {
      ports: PORTS,
      home,
      plan: (port) => planOf(name, port),
    })
    const migration = new Migration(stack, options)
    const reader = await startReader(migration.news)
    migration.#closing.push(reader.close)
    const channels = Object.values(stack.plan.notify).flatMap(({ webhook, slack }) =>
      [webhook, slack].flatMap((variable) => variable?.slice('env:'.length) ?? []),
    )
    stack.environment(Object.fromEntries(channels.map((name) => [name, `${reader.url}${name}`])))
    const confirmed = positionsOf(stack.plan).map((position) => position.name)
    stack.set({ clock, confirmed, ...(environment === undefined ? {} : { environment }) })
    return migration
  }

  /** Ended with the migration. */
  beside(close: () => Promise<unknown>): void {
    this.#closing.push(close)
  }

  /** Deploys with green at 0, then lets the users in. */
  async deploy(): Promise<void> {
    const deployed = await this.stack.set({ step: 'start' }).up()
    if (deployed.code !== 0) throw new Error(deployed.output)
    this.letIn()
  }

  /**
   * Lets the users in.
   * @param paths what they ask for, and how often in a second; default as the options say
   */
  letIn(paths = this.#options.paths, rate = this.#options.rate ?? 100): void {
    const { name } = this.#options
    // As many as answers take their time at once, and room: nobody waits for a connection.
    const connections = Math.ceil((3 * rate * Number(workOf(name))) / 1_000) + 32
    this.load = startLoad({ url: this.stack.url, rate, seconds: 3_000, paths, connections })
  }

  /** The names of the positions from the one after this to that. */
  between(from: string, to: string): string[] {
    const names = positionsOf(this.stack.plan).map(({ name }) => name)
    return names.slice(names.indexOf(from) + 1, names.indexOf(to) + 1)
  }

  /** Takes the steps up to a position, one update each. */
  async goTo(to: string, from = 'start', seconds = 120): Promise<void> {
    for (const position of this.between(from, to)) {
      const { code, output } = await this.stack.step(position, seconds)
      if (code !== 0) throw new Error(`${position}: ${output}`)
    }
  }

  /**
   * What `sluice report` says, once every target of the plan is measured.
   * @param never titles of targets that this run cannot measure, such as the time of a rollback
   */
  async report(...never: string[]): Promise<string> {
    let text = ''
    const sluice = join(checkout, 'cli', 'sluice')
    const command = ['report', '-s', 'e2e', '--format', 'text']
    const open = () =>
      text
        .split('\n')
        // A limit that nothing has tried is none of the targets.
        .filter((line) => line.includes('not measured') && !line.includes('nothing of it'))
        .filter((line) => !never.some((title) => line.includes(title)))
    try {
      await this.stack.until('every target to be measured', async () => {
        const { code, output } = await this.stack.run(sluice, ...command)
        text = output
        return code === 0 && open().length === 0
      })
    } catch (cause) {
      throw new Error(open().join('\n') || text, { cause })
    }
    return text
  }

  async close(): Promise<void> {
    await this.load?.stop()
    await this.stack.close()
    for (const close of this.#closing) await close()
  }
}

/**
 * A plan of stacks/ on other ports, with faults allowed and few answers asked for. The services take
 * their time, so that twice a baseline is more than a busy machine adds.
 */
export function planOf(name: string, port: number): PlanInput {
  const file = readFileSync(join(checkout, 'stacks', `${name}.plan.yaml`), 'utf8')
  const first = Number(/listen: "?127\.0\.0\.1:(\d+)/.exec(file)?.[1])
  const inBlock = new RegExp(`\\b${Math.floor(first / 100)}[89]\\d\\b`, 'g')
  const moved = file.replace(inBlock, (found) => String(Number(found) - first + port))
  const plan = parse(moved) as PlanInput
  for (const { blue, green } of Object.values(plan.services)) {
    for (const colour of [blue, green]) {
      if (colour === 'none' || colour.command === undefined) continue
      colour.environment = {
        EXAMPLE_WORK: workOf(name),
        ...colour.environment,
        EXAMPLE_FAULTS: '1',
      }
    }
  }
  return { ...plan, minimumRequests: 10 }
}

/**
 * Milliseconds. Where a plan allows 5 % more than a baseline, 5 % has to be more than a timer's
 * inaccuracy; where it allows 100 ms, most of that is for the machine.
 */
function workOf(name: string): string {
  if (name === 'cvplus') return '200'
  if (name === 'resume-review') return '100'
  if (name === 'hexabuilders') return '120'
  return name === 'supersmartmatch' ? '20' : '60'
}

/** Takes every message, keeps where it went and its text. */
async function startReader(news: string[]): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      news.push(`${request.url?.slice(1)}: ${body}`)
      response.end('ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
