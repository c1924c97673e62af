// Where the demo plays: a folder of its own with plan, config, state and home, on free ports.
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseDocument } from 'yaml'
import { checkout } from '../checkout.ts'
import { sluiceEnvironment } from '../environment.ts'

/** A day of baking takes five seconds. */
export const CLOCK = 17_280

export interface Stage {
  folder: string
  home: string
  config: string
  /** Where users reach the router. */
  url: string
  /** Where blue and green themselves answer. */
  colours: { blue: string; green: string }
  environment: NodeJS.ProcessEnv
}

/** Makes the stage. Nothing of the checkout, and none of the user's stacks, is touched. */
export async function makeStage(): Promise<Stage> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-demo-'))
  // PostgreSQL's unprivileged user must pass to its data.
  chmodSync(folder, 0o711)
  const listen = await freePorts(3)
  const [blue, green] = [await freePorts(1), await freePorts(1)]
  const planFile = path.join(folder, 'huntred.plan.yaml')
  const text = readFileSync(path.join(checkout, 'stacks', 'huntred.plan.yaml'), 'utf8')
  // Wherever the plan names its ports: of both colours, and of what keeps them alike.
  const ports: Record<string, number> = { 8391: blue, 8392: green, 8393: await freePorts(1) }
  const plan = parseDocument(text.replace(/\b839[123]\b/g, (port) => String(ports[port])))
  for (const colour of ['blue', 'green']) {
    // v2 is the faster one, as the document has it.
    const environment = { EXAMPLE_FAULTS: '1', EXAMPLE_WORK: colour === 'blue' ? '40' : '20' }
    plan.setIn(['services', 'huntred', colour, 'environment'], environment)
  }
  plan.setIn(['local', 'listen'], `127.0.0.1:${listen}`)
  writeFileSync(planFile, plan.toString({ lineWidth: 0 }))

  const home = path.join(folder, 'demo')
  const config = path.join(folder, 'Pulumi.demo.yaml')
  // Pulumi writes the config of a new stack beside the project: so that it is not the checkout's.
  writeFileSync(path.join(folder, 'Pulumi.yaml'), 'name: sluice\nruntime: nodejs\n')
  mkdirSync(path.join(folder, 'state'))
  const base = { ...process.env, ...sluiceEnvironment() }
  const environment = {
    ...base,
    PULUMI_BACKEND_URL: `file://${path.join(folder, 'state')}`,
    PULUMI_CONFIG_PASSPHRASE: '',
    PULUMI_STACK: '',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
  }
  return {
    folder,
    home,
    config,
    url: `http://127.0.0.1:${listen}`,
    colours: { blue: `http://127.0.0.1:${blue}`, green: `http://127.0.0.1:${green}` },
    environment,
  }
}

/** The stack's config, below what Pulumi wrote when it made the stack. */
export function writeConfig({ config, home, folder }: Stage): void {
  appendFileSync(
    config,
    [
      'config:',
      `  sluice:plan: ${path.join(folder, 'huntred.plan.yaml')}`,
      '  sluice:platform: local',
      `  sluice:home: ${home}`,
      '  sluice:step: start',
      `  sluice:clock: ${CLOCK} # a day of baking takes five seconds`,
      '',
    ].join('\n'),
  )
}

/** The first of so many ports in a row that are free on loopback now. */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    // Below the range from which systems give out ports by themselves.
    const first = 20_000 + Math.floor(Math.random() * 10_000)
    const all = Array.from({ length: count }, (_, index) => isFree(first + index))
    if ((await Promise.all(all)).every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports in a row between 20000 and 30000 on 127.0.0.1`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
