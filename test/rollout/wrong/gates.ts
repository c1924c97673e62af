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
    'a metric gate with two sides',
    { 'gates.steady.atMost': '2%' },
    ['plan.gates.steady: has both below and atMost; keep one'],
  ],
  [
    'a gate that passes from what is ill',
    { 'gates.steady': { at: 'every-step', metric: 'error-rate', atLeast: '5%' } },
    ['plan.gates.steady.atLeast: would pass while green is ill; give below for an error-rate'],
  ],
  [
    'a time at which an error rate is to be at most',
    { 'gates.steady': { at: 'every-step', metric: 'error-rate', atMost: '2s' } },
    ['plan.gates.steady.atMost: 2s is a time; give a share for an error-rate, such as 5%'],
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
  [
    'a field of a data gate',
    { 'gates.parity.tables': ['orders'] },
    ['plan.gates.parity.tables: belongs to a compare gate, this is a replay gate; take it out'],
  ],
  [
    'a field of a suite',
    { 'gates.steady.environment': { A: 'b' } },
    ['plan.gates.steady.environment: belongs to a run gate, this is a metric gate; take it out'],
  ],
  [
    'a group of no parity',
    { 'gates.steady.group': 'business' },
    ['plan.gates.steady.group: belongs to a replay gate, this is a metric gate; take it out'],
  ],
  [
    'services of a confirm gate',
    { 'gates.approval.services': ['api'] },
    ['plan.gates.approval.services: has no effect on a confirm gate; take it out'],
  ],
  [
    'an unknown service of a gate',
    { 'gates.steady.services': ['apis'] },
    [
      'plan.gates.steady.services[0]: "apis" is no service of this plan; did you mean api? known: api, web',
    ],
  ],
  [
    'a comparison of blue with itself',
    { 'gates.data': { at: 'start', compare: { blue: 'env:A_URL', green: 'env:A_URL' } } },
    ['plan.gates.data.compare.green: "env:A_URL" is blue\'s database too; give the other one'],
  ],
  [
    'a table twice',
    {
      'gates.data': {
        at: 'start',
        compare: { blue: 'env:A_URL', green: 'env:B_URL' },
        tables: ['a', 'a'],
      },
    },
    ['plan.gates.data.tables[1]: "a" stands twice; keep one'],
  ],
  [
    'a load for no time',
    { 'gates.load': { at: 'start', load: { times: 10, for: '0s' } } },
    ['plan.gates.load.load.for: is 0; give a time such as 5m'],
  ],
  [
    'a load of nothing',
    { 'gates.load': { at: 'start', load: { times: 0, for: '5m' } } },
    ["plan.gates.load.load.times: 0 cannot be; give a number (of blue's recorded rate)"],
  ],
  [
    'a suite with an unknown flag',
    { flags: { fast: {} }, 'gates.suite': { at: 'start', run: ['npm', 'test'], flags: ['fats'] } },
    ['plan.gates.suite.flags[0]: "fats" is no flag of this plan; known: fast'],
  ],
  [
    'a suite without time',
    { 'gates.suite': { at: 'start', run: ['npm', 'test'], timeout: '0s' } },
    ['plan.gates.suite.timeout: is 0; give a time such as 10m'],
  ],
  [
    'an experiment whose trials are its successes',
    {
      'gates.better': {
        at: 'every-step',
        experiment: { successes: 'ok_total', trials: 'ok_total' },
      },
    },
    [
      'plan.gates.better.experiment.trials: "ok_total" counts the successes; give the counter that they are a share of',
    ],
  ],
  [
    'an experiment without a chance of error',
    {
      'gates.better': {
        at: 'every-step',
        experiment: { successes: 'ok_total', trials: 'all_total', alpha: '0%' },
      },
    },
    ['plan.gates.better.experiment.alpha: 0% is never reached; give a chance such as 5%'],
  ],
  [
    'an experiment at start',
    { 'gates.better': { at: 'start', experiment: { successes: 'ok_total', trials: 'all_total' } } },
    [
      "plan.gates.better.at: better judges green's counters, but green has no traffic at start; judge it at a step",
    ],
  ],
  [
    'an experiment against none',
    {
      'services.web.blue': 'none',
      'gates.better': {
        at: 'every-step',
        services: ['web'],
        experiment: { successes: 'ok_total', trials: 'all_total' },
      },
    },
    [
      'plan.gates.better.services: experiment compares both colours, but blue of web is none; leave it out',
    ],
  ],
  [
    'a parity with none',
    { 'services.web.blue': 'none', 'gates.parity.services': ['api', 'web'] },
    [
      'plan.gates.parity.services: replay compares both colours, but blue of web is none; leave it out',
    ],
  ],
  [
    'a pattern that is none',
    { 'gates.new-errors': { at: 'every-step', logs: { pattern: '(Error' } } },
    [
      'plan.gates.new-errors.logs.pattern: is no regular expression (Unterminated group); give one such as "(\\\\w+Error)"',
    ],
  ],
  [
    'a pattern without a group',
    { 'gates.new-errors': { at: 'every-step', logs: { pattern: 'Error' } } },
    [
      'plan.gates.new-errors.logs.pattern: has no group for the type of the error; give one, as "(\\\\w+Error)"',
    ],
  ],
  [
    'a rehearsal nowhere',
    { 'gates.rehearsal': { at: 'start', rehearsed: 'staging' } },
    [
      'plan.gates.rehearsal.rehearsed: "staging" is no environment, as the plan has none; give environments: [staging, production]',
    ],
  ],
  [
    'a rehearsal in an unknown environment',
    {
      environments: ['staging', 'production'],
      'gates.rehearsal': { at: 'start', rehearsed: 'stagin' },
    },
    [
      'plan.gates.rehearsal.rehearsed: "stagin" is no environment of this plan; did you mean staging? known: staging, production',
    ],
  ],
  [
    'an unknown gate before blue is released',
    { retire: { gates: ['stedy'] } },
    [
      'plan.retire.gates[0]: "stedy" is no gate of this plan; did you mean steady? known: parity, steady, approval',
    ],
  ],
  [
    'an availability gate that passes what is ill',
    { 'gates.steady': { at: 'every-step', metric: 'availability', below: '99%' } },
    ['plan.gates.steady.below: would pass while green is ill; give above for an availability'],
  ],
]
