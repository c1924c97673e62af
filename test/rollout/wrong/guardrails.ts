import type { WrongPlan } from './wrong-plan.ts'

export const GUARDRAILS: WrongPlan[] = [
  [
    'a guardrail of nothing',
    { 'guardrails.errors': { then: 'rollback' } },
    [
      'plan.guardrails.errors: watches nothing; give one of metric, query, check or gate, such as metric: error-rate',
    ],
  ],
  [
    'a guardrail of two kinds',
    { 'guardrails.errors.check': '/x' },
    ['plan.guardrails.errors: has metric and check; keep one, or make two guardrails'],
  ],
  [
    'an unknown metric',
    { 'guardrails.errors.metric': 'error_rate' },
    [
      'plan.guardrails.errors.metric: "error_rate" does not fit; did you mean error-rate? give error-rate, p50, p95, p99, throughput, availability or fallback-rate',
    ],
  ],
  [
    'a metric without a side',
    { 'guardrails.errors.above': undefined },
    ['plan.guardrails.errors: never trips; give above or below, such as above: 5%'],
  ],
  [
    'both sides',
    { 'guardrails.errors.below': '1%' },
    ['plan.guardrails.errors: has both above and below; keep one'],
  ],
  [
    'an error-rate from below',
    { 'guardrails.errors': { metric: 'error-rate', below: '1%', then: 'rollback' } },
    ['plan.guardrails.errors.below: would trip while green is well; give above for an error-rate'],
  ],
  [
    'a bare number for an error-rate',
    { 'guardrails.errors.above': 5 },
    [
      'plan.guardrails.errors.above: 5 is ambiguous for an error-rate; give 5% or a relation such as 2x baseline',
    ],
  ],
  [
    'a number in quotes',
    { 'guardrails.errors.above': '5' },
    [
      'plan.guardrails.errors.above: "5" does not fit; give 5%, 150ms, 400MB, a number, "2x baseline", "60% of baseline" or "110% of blue"',
    ],
  ],
  [
    'a time for an error-rate',
    { 'guardrails.errors.above': '150ms' },
    ['plan.guardrails.errors.above: 150ms is a time; give a share for an error-rate, such as 5%'],
  ],
  [
    'an error-rate above 100%',
    { 'guardrails.errors.above': '120%' },
    ['plan.guardrails.errors.above: 120% is never passed; give less than 100%'],
  ],
  [
    'an error-rate of 0%',
    { 'guardrails.errors.above': '0%', 'guardrails.errors.warn': undefined },
    ['plan.guardrails.errors.above: 0% is no threshold; give more than 0%, such as 0.1%'],
  ],
  [
    'a warning after the fact',
    { 'guardrails.errors.warn': '6%' },
    ['plan.guardrails.errors.warn: 6% would not warn before 5%; give a value below it'],
  ],
  [
    'a guardrail with the name of the alert of a warn',
    { 'guardrails.errors-warn': { metric: 'error-rate', above: '2%', then: 'notify' } },
    [
      'plan.guardrails.errors-warn: is the name of the alert that the warn of guardrails.errors makes; give another name',
    ],
  ],
  [
    'every on a metric',
    { 'guardrails.errors.every': '5s' },
    ['plan.guardrails.errors.every: belongs to a check or a gate; take it out, or give for: 2m'],
  ],
  [
    'a bare number for a latency',
    { 'guardrails.latency.above': 150 },
    [
      'plan.guardrails.latency.above: 150 is ambiguous for p95; give 150ms, 150s or a relation such as 2x baseline',
    ],
  ],
  [
    'a share for a latency',
    { 'guardrails.latency.above': '5%' },
    [
      'plan.guardrails.latency.above: 5% is a share; give a time for p95, such as 150ms, or 110% of blue',
    ],
  ],
  [
    'a relative warning after the fact',
    { 'guardrails.latency.warn': '3x baseline' },
    [
      'plan.guardrails.latency.warn: 3x baseline would not warn before 2x baseline; give a value below it',
    ],
  ],
  [
    'a threshold on a check',
    { 'guardrails.health.above': '5%' },
    ['plan.guardrails.health.above: has no effect on a check, which passes or fails; take it out'],
  ],
  [
    'no failures at all',
    { 'guardrails.health.consecutiveFailures': 0 },
    [
      'plan.guardrails.health.consecutiveFailures: 0 is below 1; give a whole number from 1 to 100 (of a check: trips at this many in a row; default 3)',
    ],
  ],
  [
    'an unknown action',
    { 'guardrails.errors.then': 'stop' },
    [
      'plan.guardrails.errors.then: "stop" does not fit; give rollback, hold, notify, investigate, { rollback: progressively }, { run: [...] } or { flag: name }',
    ],
  ],
  [
    'no action',
    { 'guardrails.errors.then': undefined },
    [
      'plan.guardrails.errors.then: is missing; give rollback, hold, notify, investigate, { rollback: progressively }, { run: [...] } or { flag: name }',
    ],
  ],
  [
    'no guardrails',
    { guardrails: undefined },
    [
      'plan.guardrails: none rolls back, so nothing would take green back; give one, such as errors: { metric: error-rate, above: 5%, for: 2m, then: rollback }',
    ],
  ],
  [
    'no guardrail that rolls back',
    { 'guardrails.errors.then': 'hold', 'guardrails.health.then': 'notify' },
    [
      'plan.guardrails: none rolls back, so nothing would take green back; give one, such as errors: { metric: error-rate, above: 5%, for: 2m, then: rollback }',
    ],
  ],
  [
    'for no time',
    { 'guardrails.errors.for': '0s' },
    ['plan.guardrails.errors.for: is 0; give a time such as 2m, or leave it out'],
  ],
  [
    'a guardrail of an unknown service',
    { 'guardrails.errors.services': ['apis'] },
    [
      'plan.guardrails.errors.services[0]: "apis" is no service of this plan; did you mean api? known: api, web',
    ],
  ],
  [
    'a guardrail that tells nobody',
    { 'guardrails.errors.notify': ['everybody'] },
    [
      'plan.guardrails.errors.notify[0]: "everybody" is no channel of this plan; did you mean everyone? known: everyone',
    ],
  ],
  [
    'a guardrail of an unknown gate',
    { 'guardrails.data': { gate: 'paritty', then: 'investigate' } },
    [
      'plan.guardrails.data.gate: "paritty" is no gate of this plan; did you mean parity? known: parity, steady, approval',
    ],
  ],
  [
    'a guardrail of a gate that asks a person',
    { 'guardrails.data': { gate: 'approval', then: 'investigate' } },
    [
      'plan.guardrails.data.gate: approval asks a person, and cannot be judged again and again; give a gate of another kind',
    ],
  ],
  [
    'a guardrail of a gate and a metric',
    { 'guardrails.data': { gate: 'parity', metric: 'p95', above: '1s', then: 'hold' } },
    ['plan.guardrails.data: has metric and gate; keep one, or make two guardrails'],
  ],
  [
    'a threshold on a gate',
    { 'guardrails.data': { gate: 'parity', above: '1s', then: 'hold' } },
    ['plan.guardrails.data.above: has no effect on a gate, which passes or fails; take it out'],
  ],
  [
    'failures in a row of a gate',
    { 'guardrails.data': { gate: 'parity', consecutiveFailures: 3, then: 'hold' } },
    [
      'plan.guardrails.data.consecutiveFailures: belongs to a check; take it out, or give every: 30s',
    ],
  ],
  [
    'a query with a relation',
    { 'guardrails.lag': { query: 'lag', above: '2x baseline', then: 'hold' } },
    [
      'plan.guardrails.lag.above: 2x baseline is nothing that a query has; give a number, such as 0.9',
    ],
  ],
  [
    'a query without a side',
    { 'guardrails.lag': { query: 'lag', then: 'hold' } },
    ['plan.guardrails.lag: never trips; give above or below, such as above: 0.9'],
  ],
  [
    'every on a query',
    { 'guardrails.lag': { query: 'lag', above: 30, every: '5s', then: 'hold' } },
    ['plan.guardrails.lag.every: belongs to a check or a gate; take it out, or give for: 2m'],
  ],
  [
    'a throughput from above',
    { 'guardrails.traffic': { metric: 'throughput', above: 100, then: 'hold' } },
    ['plan.guardrails.traffic.above: would trip while green is well; give below for throughput'],
  ],
  [
    'a share for a throughput',
    { 'guardrails.traffic': { metric: 'throughput', below: '60%', then: 'hold' } },
    [
      'plan.guardrails.traffic.below: 60% is no throughput; give answers a second, such as 20, or a relation such as 60% of baseline',
    ],
  ],
  [
    'a throughput of nothing',
    { 'guardrails.traffic': { metric: 'throughput', below: '0% of baseline', then: 'hold' } },
    ['plan.guardrails.traffic.below: 0x baseline is 0; give more, such as 60% of baseline'],
  ],
  [
    'an availability from above',
    { 'guardrails.up': { metric: 'availability', above: '99%', then: 'hold' } },
    ['plan.guardrails.up.above: would trip while green is well; give below for an availability'],
  ],
  [
    'a bare availability',
    { 'guardrails.up': { metric: 'availability', below: 99, then: 'hold' } },
    [
      'plan.guardrails.up.below: 99 is ambiguous for an availability; give 99% or a relation such as 99% of blue',
    ],
  ],
  [
    'a warning of an availability after the fact',
    { 'guardrails.up': { metric: 'availability', below: '99.9%', warn: '99%', then: 'hold' } },
    ['plan.guardrails.up.warn: 99% would not warn before 99.9%; give a value above it'],
  ],
  [
    'bytes for a latency',
    { 'guardrails.latency.above': '400MB', 'guardrails.latency.warn': undefined },
    ['plan.guardrails.latency.above: 400MB is a size, which only a query has; give 150ms'],
  ],
  [
    'a fallback-rate that nobody tells',
    { 'guardrails.falls': { metric: 'fallback-rate', above: '0.5%', then: 'hold' } },
    [
      'plan.guardrails.falls.metric: no answer of api, web says that it fell back; give services.api.fallback, such as { header: x-fallback }',
    ],
  ],
  [
    'green held against a blue that is none',
    {
      'services.web.blue': 'none',
      'guardrails.latency': {
        metric: 'p95',
        above: '110% of blue',
        services: ['web'],
        then: 'hold',
      },
    },
    [
      'plan.guardrails.latency.above: 110% of blue is held against a blue, but blue of web is none; give a number, or other services',
    ],
  ],
  [
    'a flag that is unknown',
    { flags: { fast: {} }, 'guardrails.latency.then': { flag: 'fasd' } },
    [
      'plan.guardrails.latency.then.flag: "fasd" is no flag of this plan; did you mean fast? known: fast',
    ],
  ],
  [
    'an action of two kinds',
    { 'guardrails.latency.then': { flag: 'fast', run: ['x'] }, flags: { fast: {} } },
    [
      'plan.guardrails.latency.then.flag: does not go with what stands beside it; take one of them out',
    ],
  ],
  [
    'a misspelt action',
    { 'guardrails.latency.then': { flg: 'fast' } },
    [
      'plan.guardrails.latency.then.flg: is not known here; did you mean flag? known: rollback, scope, through, every, run, again, flag',
    ],
  ],
  [
    'an action of nothing',
    { 'guardrails.latency.then': {} },
    [
      'plan.guardrails.latency.then: a mapping was given; give rollback, hold, notify, investigate, { rollback: progressively }, { run: [...] } or { flag: name }',
    ],
  ],
  [
    'a rollback in other words',
    { 'guardrails.latency.then': { rollback: 'progresively' } },
    [
      'plan.guardrails.latency.then.rollback: "progresively" does not fit; did you mean progressively? give immediately or progressively',
    ],
  ],
  [
    'a scope that is unknown',
    { 'guardrails.latency.then': { rollback: 'immediately', scope: 'all' } },
    [
      'plan.guardrails.latency.then.scope: "all" does not fit; give service, phase or plan (what goes back: default the service; what came after it goes back too)',
    ],
  ],
  [
    'weights on the way down at once',
    { 'guardrails.latency.then': { rollback: 'immediately', through: [50, 0] } },
    [
      'plan.guardrails.latency.then.through: belongs to rollback: progressively, this goes down immediately; take it out',
    ],
  ],
  [
    'time on the way down at once',
    { 'guardrails.latency.then': { rollback: 'immediately', every: '5m' } },
    [
      'plan.guardrails.latency.then.every: belongs to rollback: progressively, this goes down immediately; take it out',
    ],
  ],
  [
    'weights that rise on the way down',
    { 'guardrails.latency.then': { rollback: 'progressively', through: [25, 50, 0] } },
    [
      'plan.guardrails.latency.then.through[1]: 50 does not fall below 25; give weights that fall to 0',
    ],
  ],
  [
    'a way down that does not end',
    { 'guardrails.latency.then': { rollback: 'progressively', through: [75, 50] } },
    [
      'plan.guardrails.latency.then.through[1]: the last weight is 50; end with 0, where blue has everything',
    ],
  ],
  [
    'a way down of no steps',
    { 'guardrails.latency.then': { rollback: 'progressively', through: [] } },
    [
      'plan.guardrails.latency.then.through: is empty; give weights that fall to 0, such as [75, 50, 25, 0]',
    ],
  ],
  [
    'a way down without time',
    { 'guardrails.latency.then': { rollback: 'progressively', every: '0s' } },
    ['plan.guardrails.latency.then.every: is 0; give a time such as 5m, or rollback: immediately'],
  ],
  [
    'a weight of 100 on the way down',
    { 'guardrails.latency.then': { rollback: 'progressively', through: [100, 0] } },
    ['plan.guardrails.latency.then.through[0]: 100 is above 99; give a whole number from 0 to 99'],
  ],
  [
    'an action again at once',
    { 'guardrails.latency.then': { run: ['./scale.sh'], again: '0s' } },
    ['plan.guardrails.latency.then.again: is 0; give a time such as 5m, or leave it out'],
  ],
]
