import type { Gate } from '../plan.ts'
import type { Keys, Lenient } from '../plan-parts.ts'
import { nearest } from '../plan-problems.ts'
import { type Check, entries, namesChecks, namesOf, type Parts } from './check.ts'

/** Every gate that is named is there, each is judged somewhere, and none where it cannot be. */

interface Use {
  names: readonly (string | undefined)[]
  keys: Keys
  /** True where it is judged before green has traffic. */
  atStart: boolean
  /** True for steps that every phase has replaced by its own. */
  isReplaced?: boolean
}

export function gateUseChecks(parts: Parts): Check[] {
  const { gates } = parts
  const known = namesOf(gates)
  if (!known) return []
  const uses = usesOf(parts)
  // A slip of the pen is one mistake: the gate that was meant counts as named.
  const used = new Set(
    uses
      .filter(({ isReplaced }) => !isReplaced)
      .flatMap(({ names }) =>
        names.map((name) =>
          name === undefined || known.includes(name) ? name : nearest(name, known),
        ),
      ),
  )
  return [
    ...uses.flatMap(({ names, keys }) => namesChecks(names, known, 'gate', keys)),
    ...entries(gates).flatMap(([name, gate]): Check[] => [
      ...(gate.at || used.has(name) || othersName(parts, name) ? [] : [nowhere(name)]),
      ...startChecks(name, gate, uses),
    ]),
  ]
}

function usesOf({ start, steps, phases, retire }: Parts): Use[] {
  const ofSteps = (all: typeof steps, keys: Keys): Use[] =>
    (all ?? []).flatMap((step, index) =>
      typeof step === 'object'
        ? [{ names: step.gates ?? [], keys: [...keys, index, 'gates'], atStart: false }]
        : [],
    )
  const isReplaced = phases?.every((phase) => phase?.steps) ?? false
  return [
    { names: start?.gates ?? [], keys: ['start', 'gates'], atStart: true },
    ...ofSteps(steps, ['steps']).map((use) => ({ ...use, isReplaced })),
    ...(phases ?? []).flatMap((phase, index) => {
      const keys = ['phases', index]
      return [
        { names: phase?.begin ?? [], keys: [...keys, 'begin'], atStart: index === 0 },
        { names: phase?.end ?? [], keys: [...keys, 'end'], atStart: false },
        ...ofSteps(phase?.steps, [...keys, 'steps']),
      ]
    }),
    { names: retire?.gates ?? [], keys: ['retire', 'gates'], atStart: false },
  ]
}

/** Named by a guardrail, which judges it again and again, or by a service, at each of its steps. */
function othersName({ guardrails, services }: Parts, gate: string): boolean {
  return (
    entries(guardrails).some(([, guardrail]) => meant(guardrail.gate, gate)) ||
    entries(services).some(([, { state }]) => meant(state?.gate, gate))
  )
}

function meant(name: string | undefined, gate: string): boolean {
  return name !== undefined && (name === gate || nearest(name, [gate]) === gate)
}

function nowhere(name: string): Check {
  const keys = ['gates', name]
  return {
    keys,
    message: 'is judged nowhere; give at: every-step, or name it in the gates of a step',
    rests: [[...keys, 'at'], ['steps'], ['start'], ['phases'], ['retire'], ['guardrails']],
  }
}

/** What is measured on green needs traffic on green. */
function startChecks(name: string, gate: Lenient<Gate>, uses: readonly Use[]): Check[] {
  const judges = gate.metric ?? (gate.experiment && 'counters')
  if (!judges) return []
  const say = (keys: Keys) => ({
    keys,
    message: `${name} judges green's ${judges}, but green has no traffic at start; judge it at a step`,
  })
  if (gate.at === 'start') return [say(['gates', name, 'at'])]
  return uses
    .filter(({ atStart, names }) => atStart && names.includes(name))
    .map(({ keys, names }) => say([...keys, names.indexOf(name)]))
}
