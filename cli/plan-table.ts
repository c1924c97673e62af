import { formatSpan } from '../rollout/duration.ts'
import type { Plan } from '../rollout/plan.ts'
import type { Position } from '../rollout/positions.ts'
import { greenOf } from '../rollout/weights.ts'
import { formatTable } from './format.ts'
import { type Paint, plain } from './paint.ts'

/** What marks a position in the table. */
export interface Marks {
  /** The position that is verified as live. */
  standing?: string
  /** The position that sluice:step asks for. */
  asked?: string
}

/** The positions of a plan as a table: one line each. Pure. */
export function planTable(
  plan: Plan,
  positions: readonly Position[],
  marks: Marks = {},
  paint: Paint = plain,
): string[] {
  const services = Object.keys(plan.services)
  const heading = [
    '',
    '#',
    'position',
    ...services.map((service) => `green of ${service}`),
    'bake',
    'gates before leaving',
    'backups before',
  ]
  const rows = positions.map((position, index) => {
    const before = positions[index - 1]
    const rises =
      before !== undefined &&
      services.some(
        (service) => greenOf(position.weights, service) > greenOf(before.weights, service),
      )
    const mark =
      position.name === marks.standing
        ? paint('good', '●')
        : position.name === marks.asked
          ? paint('warn', '→')
          : ''
    return [
      mark,
      String(index),
      position.name === marks.standing ? paint('bold', position.name) : position.name,
      ...services.map((service) => {
        const green = greenOf(position.weights, service)
        return rises && before && green > greenOf(before.weights, service)
          ? `${greenOf(before.weights, service)} → ${green}`
          : String(green)
      }),
      position.bakeMs > 0 ? formatSpan(position.bakeMs) : '-',
      position.gates.length > 0 ? position.gates.join(', ') : '-',
      rises ? backupsBefore(plan, before) : '-',
    ]
  })
  return formatTable([heading, ...rows])
}

/** The backups that a rise out of this position waits for. */
function backupsBefore(plan: Plan, before: Position): string {
  const names = Object.entries(plan.backups)
    .filter(([, backup]) => backup.before === 'every-step' || before.kind === 'start')
    .map(([name, { maximumAge }]) => `${name} (at most ${formatSpan(maximumAge)} old)`)
  return names.length > 0 ? names.join(', ') : '-'
}
