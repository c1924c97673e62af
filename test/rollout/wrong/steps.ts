import type { WrongPlan } from './wrong-plan.ts'

export const STEPS: WrongPlan[] = [
  [
    'no steps',
    { steps: undefined },
    [
      "plan.steps: is missing; give a list with at least one entry (green's share in percent, rising to 100)",
    ],
  ],
  [
    'an empty list of steps',
    { steps: [], 'gates.approval': undefined },
    [
      "plan.steps: is empty; give a list with at least one entry (green's share in percent, rising to 100)",
    ],
  ],
  [
    'a step in quotes',
    { steps: [5, '25', 100] },
    ['plan.steps[1]: "25" is text; give a number or a mapping with weight'],
  ],
  [
    'a step above 100',
    { 'steps.1.weight': 140 },
    ['plan.steps[1].weight: 140 is above 100; give 1 to 100'],
  ],
  [
    'step 0',
    { steps: [0, 100], 'gates.approval': undefined },
    ['plan.steps[0]: 0 is no step; give 1 to 100, the rollout begins at 0 by itself'],
  ],
  [
    'half a percent',
    { steps: [0.5, 100], 'gates.approval': undefined },
    ['plan.steps[0]: 0.5 is below 1; give a whole percent from 1 to 100'],
  ],
  [
    'a fraction',
    { steps: [5.5, 100], 'gates.approval': undefined },
    ['plan.steps[0]: 5.5 is not whole; give a whole percent'],
  ],
  [
    'steps that fall',
    { steps: [50, 25, 100], 'gates.approval': undefined },
    ['plan.steps[1]: 25 does not rise above 50; give steps that rise'],
  ],
  [
    'a step twice',
    { steps: [50, 50, 100], 'gates.approval': undefined },
    ['plan.steps[1]: 50 does not rise above 50; give steps that rise'],
  ],
  [
    'steps that end early',
    { steps: [5, 50], 'gates.approval': undefined },
    ['plan.steps[1]: the last step is 50; end the steps with 100'],
  ],
  [
    'a step that is no number',
    { steps: [Number.NaN, 100] },
    ['plan.steps[0]: NaN cannot be used; give a number or a mapping with weight'],
  ],
  [
    'a step without a weight',
    { 'steps.1.weight': undefined },
    ['plan.steps[1].weight: is missing; give a number'],
  ],
  [
    'a misspelt bake',
    { 'steps.1.bakes': '1h' },
    ['plan.steps[1].bakes: is not known here; did you mean bake? known: weight, bake, gates'],
  ],
  [
    'a step without a bake',
    { 'steps.1.bake': '0s' },
    ['plan.steps[1].bake: is 0, so that nothing would be watched; give a time such as 1h'],
  ],
  [
    'a plan without a bake',
    { bake: '0s' },
    ['plan.bake: is 0, so that nothing would be watched; give a time such as 1h'],
  ],
  [
    'a duration in words',
    { bake: '1 hour' },
    [
      'plan.bake: "1 hour" does not fit; give a duration: a number and ms, s, m, h, d or w, such as 30s or 24h',
    ],
  ],
  [
    'a duration without a unit',
    { bake: 3600 },
    [
      'plan.bake: 3600 is a bare number; give a duration: a number and ms, s, m, h, d or w, such as 30s or 24h',
    ],
  ],
  [
    'a duration of ages',
    { bake: '999999999w' },
    ['plan.bake: "999999999w" is longer than ten years; give a shorter time'],
  ],
  [
    'a misspelt gate',
    { 'steps.1.gates': ['parity', 'aproval'] },
    [
      'plan.steps[1].gates[1]: "aproval" is no gate of this plan; did you mean approval? known: parity, steady, approval',
    ],
  ],
  [
    'a gate twice',
    { 'steps.1.gates': ['parity', 'parity', 'approval'] },
    ['plan.steps[1].gates[1]: "parity" stands twice; keep one'],
  ],
  [
    'no minimum',
    { minimumRequests: 0 },
    [
      'plan.minimumRequests: 0 is below 1; give a whole number, 1 or more (answers of green a bake must have seen; default 50)',
    ],
  ],
]
