// Runs plain `pulumi` for the demo, and shows of its output what a person would look at.
import { type ChildProcess, spawn } from 'node:child_process'
import { checkout } from '../checkout.ts'
import type { Stage } from './stage.ts'

let running: ChildProcess | undefined

/** Ends a Pulumi that is still at work; it stops where its state is consistent. */
export async function endPulumi(): Promise<void> {
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
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
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
