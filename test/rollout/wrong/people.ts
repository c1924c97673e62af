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
  [
    'an escalation to nobody',
    { escalation: [{ errors: '1%', notify: ['on-call'] }] },
    ['plan.escalation[0].notify[0]: "on-call" is no channel of this plan; known: everyone'],
  ],
  [
    'escalations that do not rise',
    {
      escalation: [
        { errors: '5%', notify: ['everyone'] },
        { errors: '1%', notify: ['everyone'] },
      ],
    },
    ['plan.escalation[1].errors: 1% does not rise above 5%; give levels that rise'],
  ],
  [
    'an escalation of nothing',
    { escalation: [{ errors: '0%', notify: ['everyone'] }] },
    ['plan.escalation[0].errors: 0% tells of nothing at all; give more, such as 1%'],
  ],
  [
    'an escalation at 100%',
    { escalation: [{ errors: '100%', notify: ['everyone'] }] },
    ['plan.escalation[0].errors: 100% is never passed; give less'],
  ],
  [
    'a report to nobody',
    { report: { every: '24h', to: ['every-one'] } },
    [
      'plan.report.to[0]: "every-one" is no channel of this plan; did you mean everyone? known: everyone',
    ],
  ],
  [
    'a report all the time',
    { report: { every: '0s' } },
    ['plan.report.every: is 0; give a time such as 24h'],
  ],
  [
    'a target that measures nothing',
    { report: { targets: { uptime: { above: '99.9%' } } } },
    [
      'plan.report.targets.uptime: measures nothing; give a metric such as availability, or a query',
    ],
  ],
  [
    'a target of two kinds',
    { report: { targets: { uptime: { metric: 'availability', query: 'up', above: '99.9%' } } } },
    ['plan.report.targets.uptime: has both a metric and a query; keep one'],
  ],
  [
    "a query for blue's part of a metric",
    {
      report: { targets: { uptime: { metric: 'availability', blue: 'up', above: '99.9%' } } },
    },
    ['plan.report.targets.uptime.blue: is known of a metric, from the baseline; take it out'],
  ],
  [
    "a query for blue's part of what is held to nothing",
    { report: { targets: { memory: { query: 'green', blue: 'blue' } } } },
    [
      'plan.report.targets.memory.blue: is better or worse only with a side; give the target above or below',
    ],
  ],
  [
    'a target on the wrong side',
    { report: { targets: { uptime: { metric: 'availability', below: '99.9%' } } } },
    [
      'plan.report.targets.uptime.below: would pass while green is ill; give above for an availability',
    ],
  ],
  [
    'a service that takes longer than its phase',
    { limits: { service: '3m', phase: '2m', plan: '5m' } },
    ['plan.limits.service: 3m is longer than the 2m of phase, which takes back more; give less'],
  ],
  [
    'traffic that takes longer than the plan',
    { limits: { traffic: '6m', plan: '5m' } },
    ['plan.limits.traffic: 6m is longer than the 5m of plan, which takes back more; give less'],
  ],
  [
    'a sunset before the deprecation',
    { retire: { deprecation: '2027-03-01', sunset: '2027-02-01' } },
    ['plan.retire.sunset: 2027-02-01 is before the deprecation of 2027-03-01; give a later date'],
  ],
  [
    'a date that does not exist',
    { retire: { sunset: '2027-13-01' } },
    ['plan.retire.sunset: "2027-13-01" is no date; give one that exists'],
  ],
]
