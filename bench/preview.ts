import { execFile, spawn } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { checkout } from '../tools/checkout.ts'
import { sluiceEnvironment } from '../tools/environment.ts'
import { median, seconds } from './figures.ts'
import { type Section, table } from './results.ts'
import type { BenchOptions } from './run.ts'

const MOMENTS = ['fresh checkout', 'after an edit', 'warm'] as const
type Moment = (typeof MOMENTS)[number]

/** A program whose preview is timed. */
interface Program {
  name: string
  /**
   * Lays out a fresh copy, with no cache of any kind.
   * @returns the file that a person would edit
   */
  lay(folder: string): Promise<string>
  /** What a person has typed before working in it. */
  setUp?(folder: string): Promise<unknown>
  config: Record<string, string>
}

const PROGRAMS: Program[] = [
  {
    name: 'this stack',
    lay: laySluice,
    setUp: (folder) =>
      promisify(execFile)(process.execPath, [
        join(folder, 'tools', 'setup.ts'),
        '--quiet',
        '--without-bench',
      ]),
    config: { plan: 'huntred.plan.yaml', step: 'start' },
  },
  {
    name: 'stock template, the same SDKs',
    lay: (folder) =>
      layTemplate(
        folder,
        ["import * as aws from '@pulumi/aws'", "import * as kubernetes from '@pulumi/kubernetes'"],
        'export const sdks = [typeof aws.s3.Bucket, typeof kubernetes.apps.v1.Deployment]',
      ),
    config: {},
  },
  {
    name: 'stock template, @pulumi/pulumi alone',
    lay: (folder) => layTemplate(folder, [], ''),
    config: {},
  },
]

/** What a whole `pulumi preview` takes, beside what `pulumi new typescript` gives. */
export async function preview({ quick, say }: BenchOptions): Promise<Section> {
  const rounds = quick ? 1 : 5
  const times = new Map<string, number[]>()
  for (let round = 1; round <= rounds; round++) {
    for (const program of PROGRAMS) {
      const checkedOut = await Checkout.make(program)
      try {
        for (const moment of MOMENTS) {
          if (moment === 'after an edit') {
            await program.setUp?.(checkedOut.project)
            checkedOut.edit()
          }
          const took = await checkedOut.preview()
          const key = keyOf(program, moment)
          times.set(key, [...(times.get(key) ?? []), took])
          say(`${round}/${rounds} ${key}: ${seconds(took)}`)
        }
      } finally {
        checkedOut.remove()
      }
    }
  }
  return report(times, rounds)
}

function report(times: Map<string, number[]>, rounds: number): Section {
  const at = (program: Program, moment: Moment) => times.get(keyOf(program, moment)) as number[]
  const [own, ...stock] = PROGRAMS as [Program, ...Program[]]
  const rows = MOMENTS.map((moment) => {
    const mine = median(at(own, moment))
    const controls = stock.flatMap((program) => {
      const theirs = median(at(program, moment))
      return [range(at(program, moment)), `${(theirs / mine).toFixed(1)} ×`]
    })
    return [moment, range(at(own, moment)), ...controls]
  })
  return {
    title: 'A whole `pulumi preview`',
    parts: [
      `Median (least – most) of ${rounds} runs each, in turn, of a stack that is not deployed yet, and how many times longer the control takes. This stack is compared as it is: the plan is read and checked and the provider answers for each resource. The control is the program of \`pulumi new typescript\` with ts-node and its type check, which declares no resource at all; once with the three SDKs that are installed here, once with @pulumi/pulumi alone. Each fresh checkout is a new folder with new caches (Pulumi's home, the temporary folder, no compiled code), as CI has it; node_modules are linked. Before the other two previews \`npm run setup\` has been typed in this stack's checkout.`,
      table(['', own.name, ...stock.flatMap(({ name }) => [name, 'ratio'])], rows),
    ],
  }
}

function range(times: number[]): string {
  const [least, most] = [Math.min(...times), Math.max(...times)]
  return `${seconds(median(times))} (${(least / 1_000).toFixed(2)} – ${(most / 1_000).toFixed(2)})`
}

const keyOf = ({ name }: Program, moment: Moment) => `${name}, ${moment}`

/** One fresh checkout with a stack of its own. */
class Checkout {
  readonly #folder: string
  readonly #edited: string
  readonly #environment: NodeJS.ProcessEnv

  private constructor(folder: string, edited: string) {
    this.#folder = folder
    this.#edited = edited
    const made = (name: string) => {
      mkdirSync(join(folder, name))
      return join(folder, name)
    }
    this.#environment = {
      ...process.env,
      ...sluiceEnvironment(),
      PULUMI_BACKEND_URL: `file://${made('state')}`,
      PULUMI_HOME: made('home'),
      PULUMI_CONFIG_PASSPHRASE: '',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      SLUICE_HOME: made('homes'),
      TMPDIR: made('tmp'),
      NO_COLOR: '1',
    }
  }

  static async make({ lay, config }: Program): Promise<Checkout> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-preview-'))
    const project = join(folder, 'project')
    mkdirSync(project)
    const made = new Checkout(folder, await lay(project))
    await made.#pulumi('stack', 'init', 'bench')
    for (const [key, value] of Object.entries(config)) {
      await made.#pulumi('config', 'set', `sluice:${key}`, value, '-s', 'bench')
    }
    return made
  }

  get project(): string {
    return join(this.#folder, 'project')
  }

  edit(): void {
    appendFileSync(this.#edited, '\n// An edit.\n')
  }

  /** @returns ms */
  async preview(): Promise<number> {
    const started = performance.now()
    await this.#pulumi('preview', '-s', 'bench')
    return performance.now() - started
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #pulumi(...args: string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn('pulumi', [...args, '--non-interactive'], {
        cwd: this.project,
        env: this.#environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          output += chunk
        })
      }
      child.once('error', reject)
      child.once('close', (code) => {
        if (code === 0) resolve()
        else reject(new Error(`pulumi ${args.join(' ')} ended with ${code}:\n${output}`))
      })
    })
  }
}

/** What git would check out, with what is not committed yet. */
async function laySluice(folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], {
    cwd: checkout,
    maxBuffer: 10_000_000,
  })
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    // The stacks' own config holds salts, and this stack is a new one.
    if (/^stacks\/Pulumi\..*\.yaml$/.test(file)) continue
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(checkout, file), join(folder, file))
  }
  linkModules(folder)
  return join(folder, 'stacks', 'index.ts')
}

/** What `pulumi new typescript` writes. */
async function layTemplate(folder: string, imports: string[], use: string): Promise<string> {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('Pulumi.yaml', 'name: template\nruntime: nodejs\n')
  write('package.json', JSON.stringify({ name: 'template', main: 'index.ts' }))
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        strict: true,
        outDir: 'bin',
        target: 'es2020',
        module: 'commonjs',
        moduleResolution: 'node',
        sourceMap: true,
        experimentalDecorators: true,
        pretty: true,
        noFallthroughCasesInSwitch: true,
        noImplicitReturns: true,
        forceConsistentCasingInFileNames: true,
      },
      files: ['index.ts'],
    }),
  )
  const head = ["import * as pulumi from '@pulumi/pulumi'", ...imports]
  write('index.ts', [...head, '', 'export const stack = pulumi.getStack()', use, ''].join('\n'))
  linkModules(folder)
  return join(folder, 'index.ts')
}

function linkModules(folder: string): void {
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'))
}
