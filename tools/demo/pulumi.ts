// Runs plain `pulumi` for the demo, and shows of its output what a person would look at.
import { type ChildProcess, spawn } from 'node:child_process'
import { checkout } from '../checkout.ts'
import type { Stage } from './stage.ts'

const ENDED = 'the demo was ended'

let running: ChildProcess | undefined
let ended = false

/**
 * Ends a Pulumi that is still at work, where its state is consistent, and lets no other begin: what
 * the demo had in mind next would write into a folder that is being removed.
 */
export async function endPulumi(): Promise<void> {
  ended = true
  const child = running
  if (!child || child.exitCode !== null) return
  const over = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGINT')
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await over
  clearTimeout(hard)
}

/** Runs a program of the demo to its end; `output` is all that it said. */
export function runQuietly(
  stage: Stage,
  program: string,
  args: string[],
  cwd = checkout,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    if (ended) return reject(new Error(ENDED))
    const child = spawn(program, args, {
      cwd,
      env: stage.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running = child
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data
    })
    child.stderr.on('data', (data: Buffer) => {
      output += data
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (ended) reject(new Error(ENDED))
      else resolve({ code: code ?? 1, output })
    })
  })
}

/** `pulumi config set` of one key. */
export async function setConfig(
  stage: Stage,
  key: string,
  value: string,
  ...flags: string[]
): Promise<void> {
  const args = ['config', 'set', ...flags, key, value, '--stack', 'demo']
  const { code, output } = await runQuietly(stage, 'pulumi', [
    ...args,
    '--config-file',
    stage.config,
  ])
  if (code !== 0) throw new Error(`pulumi ${args.join(' ')} ended with ${code}:\n${output}`)
}

/** `pulumi up`, without the question and the preview that a person would look at first. */
export function up(stage: Stage): Promise<{ code: number; output: string }> {
  return runQuietly(stage, 'pulumi', [
    'up',
    '--yes',
    '--skip-preview',
    '--non-interactive',
    '--color=never',
    '--stack',
    'demo',
    '--config-file',
    stage.config,
  ])
}

/** The refusal within what Pulumi said, without the frame around it. */
export function refusalIn(output: string): string[] {
  const lines = output.split('\n')
  const isFirst = (line: string) => /is held by|ROLLED BACK/.test(line)
  // It stands in the progress first, and whole below the diagnostics.
  const first = lines.findLastIndex(isFirst)
  if (first < 0) return lines.slice(-12)
  const length = lines.slice(first).findIndex((line) => line.trim() === '')
  return lines
    .slice(first, length < 0 ? undefined : first + length)
    .map((line) => line.replace(/^.*has a problem: /, '').trim())
}
