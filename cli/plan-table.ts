import { formatSpan } from '../rollout/duration.ts'
import { operationsBefore, plannedOperations } from '../rollout/operations.ts'
import type { Plan } from '../rollout/plan.ts'
import type { Position } from '../rollout/positions.ts'
import { phasesOf } from '../rollout/services.ts'
import { greenOf } from '../rollout/weights.ts'
import { formatMarkdown, formatWrapped } from './format.ts'
import { type Paint, plain } from './paint.ts'
import { planLegend } from './plan-legend.ts'

/** What marks a position in the table. */
export interface Marks {
  /** The position that is verified as live. */
  standing?: string
  /** The position that sluice:step asks for. */
  asked?: string
}

/** No line of the text is longer. */
export const WIDTH = 110

const HEADING = ['#', 'position', 'phase', 'green', 'bake', 'gates before leaving', 'runs']

/** The positions of a plan as a table, and below it what holds at all of them. Pure. */
export function planTable(
  plan: Plan,
  positions: readonly Position[],
  marks: Marks = {},
  paint: Paint = plain,
): string[] {
  const marked = marks.standing !== undefined || marks.asked !== undefined
  const rows = planRows(plan, positions).map((row, index) => {
    const { name } = positions[index] as Position
    const stands = name === marks.standing
    const mark = stands ? paint('good', '●') : name === marks.asked ? paint('warn', '→') : ''
    return marked ? [mark, ...row] : row
  })
  const heading = headingOf(plan)
  const table = formatWrapped(marked ? [['', ...heading], ...rows] : [heading, ...rows], WIDTH)
  const legend = planLegend(plan).flatMap(({ title, heading, rows }) => [
    '',
    ...formatWrapped([[title, ...heading], ...rows], WIDTH),
  ])
  return [...table, ...legend]
}

/** The same as Markdown, for a pull request or a document. */
export function planMarkdown(plan: Plan, positions: readonly Position[]): string[] {
  const legend = planLegend(plan).flatMap(({ title, heading, rows }) => [
    '',
    ...formatMarkdown([[title, ...heading], ...rows]),
  ])
  return [...formatMarkdown([headingOf(plan), ...planRows(plan, positions)]), ...legend]
}

/** One phase that has every service is no news. */
const hasPhases = (plan: Plan) => phasesOf(plan).length > 1

function headingOf(plan: Plan): string[] {
  return HEADING.filter((name) => name !== 'phase' || hasPhases(plan))
}

function planRows(plan: Plan, positions: readonly Position[]): string[][] {
  return positions.map((position, index) => {
    const before = positions[index - 1]
    return [
      String(index),
      position.name,
      ...(hasPhases(plan) ? [position.phase ?? '-'] : []),
      greenCell(position, before),
      bakeCell(position),
      position.gates.join(', ') || '-',
      runsCell(plan, before, position, positions[index + 1]),
    ]
  })
}

/** What the services of a step come from and go to; they stand in its name. */
function greenCell(position: Position, before: Position | undefined): string {
  if (position.kind === 'start') return '0'
  const [service = ''] = position.services
  const green = greenOf(position.weights, service)
  if (position.kind === 'step' && before) return `${greenOf(before.weights, service)} → ${green}`
  return [...new Set(position.services.map((each) => greenOf(position.weights, each)))].join(', ')
}

function bakeCell({ bakeMs, settleMs }: Position): string {
  const bake = bakeMs > 0 ? formatSpan(bakeMs) : '-'
  return settleMs > 0 ? `${bake} after ${formatSpan(settleMs)}` : bake
}

/** What is done before a position is reached, and what has to be done there before it is left. */
function runsCell(
  plan: Plan,
  before: Position | undefined,
  position: Position,
  next: Position | undefined,
): string {
  const rises =
    before !== undefined &&
    Object.keys(position.weights).some(
      (service) => greenOf(position.weights, service) > greenOf(before.weights, service),
    )
  const backups = rises
    ? Object.entries(plan.backups)
        .filter(([, backup]) => backup.before === 'every-step' || before.kind === 'start')
        .map(([name]) => `backup ${name}`)
    : []
  const first = before
    ? operationsBefore(plan, before, position).filter(({ moment }) => moment.startsWith('before-'))
    : []
  const then = next
    ? operationsBefore(plan, position, next).filter(({ moment }) => !moment.startsWith('before-'))
    : plannedOperations(plan).filter(({ moment }) => moment === 'retired')
  const names = (operations: { name: string }[]) => operations.map(({ name }) => name)
  return (
    [
      [...backups, ...names(first)].join(', '),
      then.length > 0 ? `then ${names(then).join(', ')}` : '',
    ]
      .filter((text) => text !== '')
      .join('; ') || '-'
  )
}
