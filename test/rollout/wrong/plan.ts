import type { WrongPlan } from './wrong-plan.ts'

export const PLAN: WrongPlan[] = [
  [
    'a missing name',
    { name: undefined },
    [
      'plan.name: is missing; give a name of lower-case letters, digits and hyphens, beginning with a letter, at most 40 long',
    ],
  ],
  [
    'a name with a capital',
    { name: 'Shop' },
    [
      'plan.name: "Shop" does not fit; give a name of lower-case letters, digits and hyphens, beginning with a letter, at most 40 long',
    ],
  ],
  [
    'a name that is a number',
    { name: 7 },
    [
      'plan.name: 7 is a bare number; give a name of lower-case letters, digits and hyphens, beginning with a letter, at most 40 long',
    ],
  ],
  ['a misspelt key', { nam: 'x' }, ['plan.nam: is not known here; did you mean name?']],
  [
    'two mistakes at once',
    { 'steps.1.weight': 140, 'guardrails.errors.above': 5 },
    [
      'plan.steps[1].weight: 140 is above 100; give 1 to 100',
      'plan.guardrails.errors.above: 5 is ambiguous for an error-rate; give 5% or a relation such as 2x baseline',
    ],
  ],
  [
    'a mistake in shape beside one in sense',
    { 'services.api.green.port': '9002', bake: '0s', 'limits.sevice': '1s' },
    [
      'plan.services.api.green.port: "9002" is text; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
      'plan.limits.sevice: is not known here; did you mean service? known: flag, code, database, service, phase, traffic, plan, disaster',
      'plan.bake: is 0, so that nothing would be watched; give a time such as 1h',
    ],
  ],
]
