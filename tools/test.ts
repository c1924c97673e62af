// `npm test`: type check, lint, then the tests; ends with one line that counts all of it.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkout } from './checkout.ts'
import { duration } from './progress.ts'
import { addCounts, type Counts, countReport, failureLines, summaryLine } from './test-summary.ts'

const given = process.argv.slice(2)
const all = given.includes('--all')
const vitestArguments = given.filter((argument) => argument !== '--all')
// Of the long suites a part runs. The same commit gives the same result; another seed, another part.
const seed = process.env['SLUICE_SEED'] ?? '1'
const environment = {
  ...process.env,
  SLUICE_SEED: seed,
  ...(all ? { SLUICE_TEST_ALL: '1' } : {}),
}

const bin = (command: string) => path.join('node_modules', '.bin', command)

/** Runs one stage with its output shown; resolves with its exit code. */
function stage(title: string, file: string, args: string[] = []): Promise<number> {
  process.stdout.write(`\n== ${title}\n`)
  const since = performance.now()
  return new Promise((resolve) => {
    // Not by its first line, which would take whatever Node is first on PATH.
    const child = spawn(process.execPath, [path.join(checkout, file), ...args], {
      cwd: checkout,
      env: environment,
      stdio: 'inherit',
    })
    const pass = (signal: NodeJS.Signals) => child.kill(signal)
    process.on('SIGTERM', pass)
    // Ctrl-C reaches the stage by itself; this process stays to say how far it got.
    const stay = () => {
      stopped = true
    }
    process.on('SIGINT', stay)
    child.once('error', (error) => process.stdout.write(`${file}: ${error.message}\n`))
    child.once('close', (code) => {
      process.off('SIGTERM', pass)
      process.off('SIGINT', stay)
      process.stdout.write(`== ${title}: ${duration(performance.now() - since)}\n`)
      resolve(code ?? 1)
    })
  })
}

async function tests(): Promise<Counts> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-test-'))
  const file = path.join(folder, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const code = await stage(
      all ? 'tests, all of them' : `tests, SLUICE_SEED=${seed}`,
      bin('vitest'),
      ['run', ...reporters, ...vitestArguments],
    )
    let report: Parameters<typeof countReport>[0]
    try {
      report = JSON.parse(readFileSync(file, 'utf8'))
    } catch {
      // It ended before it could write one; its exit code has to do.
    }
    for (const line of failureLines(report, checkout)) process.stdout.write(`${line}\n`)
    return countReport(report, code)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const one = (code: number): Counts => ({
  passed: code === 0 ? 1 : 0,
  failed: code === 0 ? 0 : 1,
  skipped: 0,
})

let stopped = false
const counts = [one(await stage('type check (tsc)', bin('tsc'), ['--noEmit']))]
if (!stopped) counts.push(one(await stage('lint and format (biome)', bin('biome'), ['check', '.'])))
if (!stopped) counts.push(one(await stage('programs of the test beds', 'test/beds/ensure.ts')))
if (!stopped) counts.push(await tests())

const total = addCounts(counts)
process.stdout.write(`\n${summaryLine(total)}\n`)
process.exitCode = stopped ? 130 : total.failed > 0 ? 1 : 0
