import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { writeDurably } from '../platforms/local/durable-file.ts'
import { readEvents } from '../platforms/local/file-store.ts'
import { portsOf } from '../platforms/local/layout.ts'
import { NotDone, WrongUse } from './errors.ts'
import { journalOf, latchOf } from './outlook.ts'
import { buildReport } from './report/build.ts'
import { fetchSamples, noSamples } from './report/samples.ts'
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
    'sluice report\nsluice report --out report.html',
  )
    .option('--out <file>', "the file; default: in the home's folder of reports")
    .action(async (options: StackOptions & { out?: string }) => {
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
  if (!existsSync(layout.hook.events)) {
    throw new NotDone(`${layout.home} has no history yet; next: pulumi up`)
  }
  const events = readEvents(layout, EVENTS)
  const observation = await stack.platform.observe()
  const from = Date.parse(events[0]?.at ?? observation.at)
  let warning: string | undefined
  const samples = await fetchSamples(portsOf(plan).prometheus, from, Date.now()).catch(
    (error: Error) => {
      warning = `the report has no plots: Prometheus does not answer (${error.message}); next: sluice doctor`
      return noSamples
    },
  )
  const html = buildReport(events, samples, plan, journalOf(observation), latchOf(observation))
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
