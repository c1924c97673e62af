import type { WrongPlan } from './wrong-plan.ts'

export const PEOPLE: WrongPlan[] = [
  [
    'a channel of two kinds',
    { 'notify.everyone.slack': 'env:X' },
    ['plan.notify.everyone: has both a webhook and slack; keep one, or make two'],
  ],
  [
    'a channel to nowhere',
    { 'notify.everyone': {} },
    ['plan.notify.everyone: goes nowhere; give webhook: env:NAME or slack: env:NAME'],
  ],
  [
    'a misspelt channel',
    { 'notify.everyone': { webhok: 'env:X' } },
    [
      'plan.notify.everyone.webhok: is not known here; did you mean webhook? known: webhook, slack, from, only',
    ],
  ],
  [
    'a limit of 0',
    { 'limits.service': '0s' },
    ['plan.limits.service: is 0, which nothing can keep; give a time such as 30s'],
  ],
  [
    'a misspelt limit',
    { 'limits.sevice': '1s' },
    [
      'plan.limits.sevice: is not known here; did you mean service? known: flag, code, database, service, phase, traffic, plan, disaster',
    ],
  ],
]
