import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { askTargets } from '../hooks/target-queries.ts'
import { alertFloors } from '../platforms/local/alert-rules.ts'
import { writeDurably } from '../platforms/local/durable-file.ts'
import { journalOf, latchOf } from '../rollout/observation.ts'
import { WrongUse } from './errors.ts'
import { buildReport } from './report/build.ts'
import { type History, historyOf } from './report/history.ts'
import { outcomeOf } from './report/outcome.ts'
import { askNumber, fetchSamples, noSamples, type Samples } from './report/samples.ts'
import { reportText } from './report/text.ts'
import { type OpenStack, openStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

type ReportOptions = StackOptions & { out?: string; format?: string; prometheus?: string }

/** `sluice report`: what happened, as one HTML file that needs nothing else. */
export function report(program: Command): void {
  verb(
    program,
    'report',
    'writes what happened into one HTML file: events, plots, positions, backups, limits',
    'sluice report\nsluice report --out report.html\nsluice report --format text',
  )
    .option('--out <file>', "the file; default: in the home's folder of reports; in a cluster here")
    .option(
      '--prometheus <address>',
      "where Prometheus is reached from here; default: the plan's (in a cluster: kubectl port-forward)",
    )
    .addOption(
      new Option('--format <format>', 'text is written here, and into no file').choices([
        'html',
        'text',
      ]),
    )
    .action(async (options: ReportOptions) => {
      if (options.format === 'text') {
        const stack = await openStack(options)
        const history = await historyOf(stack, options.prometheus)
        const { journal, latch, outcome } = await readRollout(stack, history)
        return say(...reportText(stack.plan, history.events, journal, latch, outcome))
      }
      const { file, warning } = await writeReport(await openStack(options), options)
      if (warning) process.stderr.write(`${warning}\n`)
      say(file)
    })
}

/**
 * Writes the report of a rollout.
 * @returns the file, and what is missing in it where Prometheus does not answer
 */
export async function writeReport(
  stack: OpenStack,
  { out, prometheus }: Pick<ReportOptions, 'out' | 'prometheus'> = {},
): Promise<{ file: string; warning?: string }> {
  const { plan } = stack
  const history = await historyOf(stack, prometheus)
  const { events, folder } = history
  const { observation, journal, latch, outcome } = await readRollout(stack, history)
  const from = Date.parse(events[0]?.at ?? observation.at)
  let warning: string | undefined
  const samples = await samplesOf(stack, history, from).catch((error: Error) => {
    warning = `the report has no plots: ${error.message}`
    return noSamples
  })
  const html = buildReport(events, samples, plan, journal, latch, outcome)
  if (out !== undefined) return { file: writeTo(resolve(out), html), warning }
  const name = `${stack.name}-${observation.at.replace(/[:.]/g, '-')}.html`
  if (folder === undefined) return { file: writeTo(resolve(name), html), warning }
  const file = join(folder, name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeDurably(file, html)
  return { file, warning }
}

/** @throws Error where there are none, with what to do */
async function samplesOf(stack: OpenStack, { measured }: History, from: number): Promise<Samples> {
  if (!measured) {
    throw new Error(`the metrics of ${stack.settings.platform.kind} stand in its own dashboards`)
  }
  return fetchSamples(measured, from, Date.now()).catch((error: Error) => {
    throw new Error(
      `Prometheus does not answer at ${measured.prometheus} (${error.message}); next: sluice doctor, or sluice report --prometheus <address>`,
    )
  })
}

/** Writes where a person said: into what stands there, which may be a pipe or a device. */
function writeTo(file: string, html: string): string {
  try {
    writeFileSync(file, html, { mode: 0o600 })
    return file
  } catch (error) {
    throw new WrongUse(`--out: ${file} cannot be written: ${(error as Error).message}`)
  }
}

/** What a report is made of beside the history and the plots. */
async function readRollout(stack: OpenStack, { measured }: History) {
  const { plan, settings } = stack
  const observation = await stack.platform.observe()
  const [journal, latch] = [journalOf(observation), latchOf(observation)]
  const queries = measured
    ? await askTargets(plan, (query) => askNumber(measured.prometheus, query))
    : { queries: {} }
  const floors = settings.platform.kind === 'local' ? alertFloors(plan, settings.clock) : []
  const outcome = outcomeOf(plan, settings.clock, observation, journal, latch, queries, floors)
  return { observation, journal, latch, outcome }
}
