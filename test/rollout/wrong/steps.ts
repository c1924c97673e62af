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
  [
    'an unknown service in a phase',
    { phases: [{ name: 'one', services: ['api', 'wep'] }] },
    [
      'plan.phases[0].services[1]: "wep" is no service of this plan; did you mean web? known: api, web',
    ],
  ],
  [
    'a service twice in a phase',
    { phases: [{ name: 'one', services: ['api', 'web', 'api'] }] },
    ['plan.phases[0].services[2]: "api" stands twice; keep one'],
  ],
  [
    'a service in no phase',
    { phases: [{ name: 'one', services: ['api'] }] },
    ['plan.services.web: moves in no phase; name it in the services of one'],
  ],
  [
    'two phases of one name',
    {
      phases: [
        { name: 'one', services: ['api'] },
        { name: 'one', services: ['web'] },
      ],
    },
    ['plan.phases[1].name: "one" is the name of plan.phases[0] already; give another name'],
  ],
  [
    'a phase of no name',
    { phases: [{ services: ['api', 'web'] }] },
    [
      'plan.phases[0].name: is missing; give a name of lower-case letters, digits and hyphens, beginning with a letter, at most 40 long',
    ],
  ],
  [
    'a phase that begins below the one before',
    {
      steps: [100],
      phases: [
        { name: 'try', steps: [5, 25] },
        { name: 'scale', steps: [10, 100] },
      ],
      'gates.approval': undefined,
    },
    [
      'plan.phases[1].steps[0]: begins with 10, but try has left api, web at 25; give steps from 25 on',
    ],
  ],
  [
    'a phase with the steps of the plan after another',
    { phases: [{ name: 'try', steps: [5, 25] }, { name: 'scale' }] },
    ['plan.phases[1]: begins with 5, but try has left api, web at 25; give steps from 25 on'],
  ],
  [
    'phases that end early',
    {
      steps: [100],
      phases: [
        { name: 'try', steps: [5, 25] },
        { name: 'scale', steps: [25, 50] },
      ],
      'gates.approval': undefined,
    },
    ['plan.phases[1].steps[1]: leaves api, web at 50, and no phase comes after it; end with 100'],
  ],
  [
    'one service that ends early',
    {
      steps: [100],
      phases: [
        { name: 'try', steps: [5, 25] },
        { name: 'scale', services: ['api'], steps: [25, 100] },
      ],
      'gates.approval': undefined,
    },
    ['plan.phases[0].steps[1]: leaves web at 25, and no phase comes after it; end with 100'],
  ],
  [
    'steps of a phase that fall',
    { steps: [100], phases: [{ name: 'one', steps: [50, 25, 100] }], 'gates.approval': undefined },
    ['plan.phases[0].steps[1]: 25 does not rise above 50; give steps that rise'],
  ],
  [
    'a phase without a bake',
    { phases: [{ name: 'one', bake: '0s' }] },
    ['plan.phases[0].bake: is 0, so that nothing would be watched; give a time such as 1h'],
  ],
  [
    'an unknown gate at the begin of a phase',
    { phases: [{ name: 'one', begin: ['parety'] }] },
    [
      'plan.phases[0].begin[0]: "parety" is no gate of this plan; did you mean parity? known: parity, steady, approval',
    ],
  ],
  [
    'an unknown gate at the end of a phase',
    { phases: [{ name: 'one', end: ['parety'] }] },
    [
      'plan.phases[0].end[0]: "parety" is no gate of this plan; did you mean parity? known: parity, steady, approval',
    ],
  ],
  [
    'a metric gate at the begin of the first phase',
    { phases: [{ name: 'one', begin: ['steady'] }] },
    [
      "plan.phases[0].begin[0]: steady judges green's error-rate, but green has no traffic at start; judge it at a step",
    ],
  ],
  [
    'a phase announced to nobody',
    { phases: [{ name: 'one', announce: { to: ['team'], text: 'done' } }] },
    ['plan.phases[0].announce.to[0]: "team" is no channel of this plan; known: everyone'],
  ],
  [
    'together across phases',
    {
      'services.api.together': ['web'],
      phases: [
        { name: 'one', services: ['api'] },
        { name: 'two', services: ['web'] },
      ],
    },
    [
      'plan.services.api.together[0]: web moves in two, api in one; what moves together is in the same phases',
    ],
  ],
  [
    'together through fewer phases',
    {
      'services.web.together': ['api'],
      steps: [100],
      phases: [
        { name: 'try', services: ['api'], steps: [5] },
        { name: 'all', steps: [10, 100] },
      ],
      'gates.approval': undefined,
    },
    [
      'plan.services.web.together[0]: api moves in try, all, web in all; what moves together is in the same phases',
    ],
  ],
  [
    'a gate of steps that every phase replaces',
    { phases: [{ name: 'one', steps: [5, 100] }] },
    [
      'plan.gates.approval: is judged nowhere; give at: every-step, or name it in the gates of a step',
    ],
  ],
  [
    'an environment twice',
    { environments: ['staging', 'staging'] },
    ['plan.environments[1]: "staging" stands twice; keep one'],
  ],
  [
    'one environment',
    { environments: ['production'] },
    [
      'plan.environments: has 1 of at least 2 entries; give a list with at least 2 entries (stacks of this one plan, in order: a later one goes only as far as the one before)',
    ],
  ],
  [
    'a start that is announced to nobody',
    { 'start.announce': { to: ['evryone'], text: 'it begins' } },
    [
      'plan.start.announce.to[0]: "evryone" is no channel of this plan; did you mean everyone? known: everyone',
    ],
  ],
]
