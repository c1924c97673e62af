import type { WrongPlan } from './wrong-plan.ts'

export const GATES: WrongPlan[] = [
  [
    'a gate nobody judges',
    { 'steps.1.gates': ['parity'] },
    [
      'plan.gates.approval: is judged nowhere; give at: every-step, or name it in the gates of a step',
    ],
  ],
  [
    'a metric gate named by start',
    { 'start.gates': ['steady'] },
    [
      "plan.start.gates[0]: steady judges green's error-rate, but green has no traffic at start; judge it at a step",
    ],
  ],
  [
    'a metric gate at start',
    { 'gates.steady.at': 'start' },
    [
      "plan.gates.steady.at: steady judges green's error-rate, but green has no traffic at start; judge it at a step",
    ],
  ],
  [
    'a gate of no kind',
    { 'gates.steady': { at: 'every-step' } },
    [
      'plan.gates.steady: judges nothing; give one of metric, query, replay, confirm, compare, cases, load, run, experiment, logs or rehearsed',
    ],
  ],
  [
    'a gate of two kinds',
    { 'gates.steady.replay': 'x' },
    ['plan.gates.steady: has metric and replay; keep one, or make two gates'],
  ],
  [
    'a metric gate without a side',
    { 'gates.steady.below': undefined },
    ['plan.gates.steady: never passes; give above or below, such as below: 5%'],
  ],
  [
    'a bare number in a gate',
    { 'gates.steady.below': 5 },
    [
      'plan.gates.steady.below: 5 is ambiguous for an error-rate; give 5% or a relation such as 2x baseline',
    ],
  ],
  [
    'a gate that passes what is ill',
    { 'gates.steady': { at: 'every-step', metric: 'error-rate', above: '5%' } },
    ['plan.gates.steady.above: would pass while green is ill; give below for an error-rate'],
  ],
  [
    'a field of another gate',
    { 'gates.approval.identical': '100%' },
    [
      'plan.gates.approval.identical: belongs to a replay gate, this is a confirm gate; take it out',
    ],
  ],
  [
    'a confirm gate that rolls back',
    { 'gates.approval.otherwise': 'rollback' },
    [
      'plan.gates.approval.otherwise: has no effect on a confirm gate, which nobody can fail; take it out',
    ],
  ],
  [
    'a share above 100%',
    { 'gates.parity.identical': '101%' },
    ['plan.gates.parity.identical: "101%" is above 100%; give 0% to 100%'],
  ],
  [
    'a bad JSON path',
    { 'gates.parity.ignore': ['servedAt'] },
    [
      'plan.gates.parity.ignore[0]: "servedAt" does not fit; give a JSON path such as $.servedAt or $.items[*].id',
    ],
  ],
]
