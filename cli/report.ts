import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { askTargets } from '../hooks/target-queries.ts'
import { alertFloors } from '../platforms/local/alert-rules.ts'
import { writeDurably } from '../platforms/local/durable-file.ts'
import { readEvents } from '../platforms/local/file-store.ts'
import { portsOf } from '../platforms/local/layout.ts'
import { journalOf, latchOf } from '../rollout/observation.ts'
import { NotDone, WrongUse } from './errors.ts'
import { buildReport } from './report/build.ts'
import { outcomeOf } from './report/outcome.ts'
import { askNumber, fetchSamples, noSamples } from './report/samples.ts'
import { reportText } from './report/text.ts'
import { type OpenStack, openStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** More events than any rollout has. */
const EVENTS = 20_000

/** `sluice report`: what happened, as one HTML file that needs nothing else. */
export function report(program: Command): void {
  verb(
    program,
    'report',
    'writes what happened into one HTML file: events, plots, positions, backups, limits',
    'sluice report\nsluice report --out report.html\nsluice report --format text',
  )
    .option('--out <file>', "the file; default: in the home's folder of reports")
    .addOption(
      new Option('--format <format>', 'text is written here, and into no file').choices([
        'html',
        'text',
      ]),
    )
    .action(async (options: StackOptions & { out?: string; format?: string }) => {
      if (options.format === 'text') {
        const stack = await openStack(options)
        const { events, journal, latch, outcome } = await readRollout(stack)
        return say(...reportText(stack.plan, events, journal, latch, outcome))
      }
      const { file, warning } = await writeReport(await openStack(options), options.out)
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
  out?: string,
): Promise<{ file: string; warning?: string }> {
  const { layout, plan } = stack
  const { events, observation, journal, latch, outcome } = await readRollout(stack)
  const from = Date.parse(events[0]?.at ?? observation.at)
  let warning: string | undefined
  const samples = await fetchSamples(portsOf(plan).prometheus, from, Date.now()).catch(
    (error: Error) => {
      warning = `the report has no plots: Prometheus does not answer (${error.message}); next: sluice doctor`
      return noSamples
    },
  )
  const html = buildReport(events, samples, plan, journal, latch, outcome)
  if (out !== undefined) return { file: writeTo(resolve(out), html), warning }
  const name = `${stack.name}-${observation.at.replace(/[:.]/g, '-')}.html`
  const file = join(layout.reports, name)
  mkdirSync(layout.reports, { recursive: true, mode: 0o700 })
  writeDurably(file, html)
  return { file, warning }
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

/** Everything that a report is made of but the plots. */
async function readRollout(stack: OpenStack) {
  const { layout, plan, settings } = stack
  if (!existsSync(layout.hook.events)) {
    throw new NotDone(`${layout.home} has no history yet; next: pulumi up`)
  }
  const observation = await stack.platform.observe()
  const [journal, latch] = [journalOf(observation), latchOf(observation)]
  const port = portsOf(plan).prometheus
  const queries = await askTargets(plan, (query) => askNumber(port, query))
  const floors = alertFloors(plan, settings.clock)
  const outcome = outcomeOf(plan, settings.clock, observation, journal, latch, queries, floors)
  return { events: readEvents(layout, EVENTS), observation, journal, latch, outcome }
}
