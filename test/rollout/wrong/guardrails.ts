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
]
