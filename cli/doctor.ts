import type { Command } from 'commander'
import { describeChange } from '../rollout/weights.ts'
import { NotDone } from './errors.ts'
import { examine, type Finding } from './examination.ts'
import { formatTable } from './format.ts'
import { type Paint, paintFor } from './paint.ts'
import { openStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** `sluice doctor`: each part of the platform, what is wrong with it, and what to type. */
export function doctor(program: Command): void {
  verb(
    program,
    'doctor',
    'looks at each part of the platform, and says what is wrong and what to type',
    'sluice doctor\nsluice doctor --adopt',
  )
    .option('--adopt', 'records what is live as verified, never above the journal')
    .action(async (options: StackOptions & { adopt?: boolean }) => {
      const stack = await openStack(options)
      if (options.adopt) {
        const weights = await stack.platform.adopt()
        say(`adopted: ${describeChange(weights, weights)}`)
      }
      const findings = await examine(stack)
      say(...findingLines(findings, paintFor()))
      const ill = findings.filter(({ state }) => state === 'ill').length
      if (ill > 0)
        throw new NotDone(`${ill} of ${findings.length} parts ${ill === 1 ? 'is' : 'are'} not well`)
    })
}

/** Findings as lines; what to type stands below what is wrong. Pure. */
export function findingLines(findings: readonly Finding[], paint: Paint): string[] {
  const signs = { well: paint('good', 'ok'), ill: paint('bad', 'ILL'), absent: paint('dim', '-') }
  const rows = formatTable(findings.map(({ part, state, found }) => [signs[state], part, found]))
  return findings.flatMap(({ next, state }, index) => [
    rows[index] ?? '',
    ...(next && state === 'ill' ? [`     type: ${next}`] : []),
  ])
}
