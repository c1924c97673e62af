// `npm run bench [name ...] [--quick]`: measures, prints Markdown, and keeps it in results.md.
import { parseArgs } from 'node:util'
import { detection } from './detection.ts'
import { kubernetesDetection } from './kubernetes/detection.ts'
import { kubernetesShares } from './kubernetes/shares.ts'
import { overhead } from './overhead.ts'
import { preview } from './preview.ts'
import { keep, type Section, sectionText } from './results.ts'
import { shares } from './shares.ts'

/** What a bench is told; progress goes to stderr, so that stdout is Markdown alone. */
export interface BenchOptions {
  quick: boolean
  say(line: string): void
}

const benches: Record<string, (options: BenchOptions) => Promise<Section>> = {
  detection,
  shares,
  overhead,
  preview,
  cluster_detection: kubernetesDetection,
  cluster_shares: kubernetesShares,
}

const USAGE = `use: npm run bench -- [${Object.keys(benches).join('|')} ...] [--quick]`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  })
  const names = positionals.length > 0 ? positionals : Object.keys(benches)
  const unknown = names.filter((name) => !Object.hasOwn(benches, name))
  if (unknown.length > 0) throw new Error(`bench: unknown: ${unknown.join(', ')}; ${USAGE}`)
  for (const name of names) {
    const started = Date.now()
    const say = (line: string) =>
      process.stderr.write(`${name} ${Math.round((Date.now() - started) / 1_000)} s: ${line}\n`)
    const section = await benches[name]!({ quick: values.quick, say })
    process.stdout.write(`${sectionText(section)}\n\n`)
    // A quick run shows that the bench works; what it measures is not worth keeping.
    if (!values.quick) keep(name, Object.keys(benches), section)
  }
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
