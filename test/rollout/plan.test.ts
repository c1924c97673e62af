import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadPlan, parsePlanText } from '../../platforms/plan-file.ts'
import { PlanError, parsePlan } from '../../rollout/parse-plan.ts'
import { changed, rightPlan } from './plans.ts'

const WRONG: [mistake: string, changes: Record<string, unknown>, messages: string[]][] = [
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
  [
    'a misspelt key',
    { nam: 'x' },
    [
      'plan.nam: is not known here; did you mean name? known: name, services, steps, start, bake, minimumRequests, guardrails, gates, backups, notify, limits, retire, local',
    ],
  ],
  [
    'no services',
    { services: undefined },
    [
      'plan.services: is missing; give a mapping with a name for each entry (what is moved, in this order)',
    ],
  ],
  [
    'empty services',
    { services: {} },
    ['plan.services: is empty; give at least one service to move'],
  ],
  [
    'services of nothing',
    { services: null },
    [
      'plan.services: is empty; give a mapping with a name for each entry (what is moved, in this order)',
    ],
  ],
  [
    'a service without green',
    { 'services.api.green': undefined },
    [
      'plan.services.api.green: is missing; give a mapping with command, url, port or environment (what is being rolled out)',
    ],
  ],
  [
    'a service with a bad name',
    { 'services.Api': {} },
    [
      'plan.services.Api: "Api" is no good name; give a name of lower-case letters, digits and hyphens, beginning with a letter, at most 40 long',
    ],
  ],
  [
    'an unknown field of a service',
    { 'services.api.colour': 'red' },
    ['plan.services.api.colour: is not known here; known: blue, green, routes, health, affinity'],
  ],
  [
    'a misspelt command',
    { 'services.api.green': { comand: ['x'], port: 9002 } },
    [
      'plan.services.api.green.comand: is not known here; did you mean command? known: command, url, port, environment',
    ],
  ],
  [
    'a command as one text',
    { 'services.api.green.command': 'node v2.ts' },
    [
      'plan.services.api.green.command: "node v2.ts" is text; give a list with at least one entry (started and supervised by the platform; relative to the project)',
    ],
  ],
  [
    'an empty command',
    { 'services.api.green.command': [] },
    [
      'plan.services.api.green.command: is empty; give a list with at least one entry (started and supervised by the platform; relative to the project)',
    ],
  ],
  [
    'an empty argument',
    { 'services.api.green.command': ['node', ''] },
    ['plan.services.api.green.command[1]: is empty; give text'],
  ],
  [
    'a NUL in an argument',
    { 'services.api.green.command': ['node', 'a\0b'] },
    ['plan.services.api.green.command[1]: has a NUL character; take it out'],
  ],
  [
    'a command without a port',
    { 'services.api.green.port': undefined },
    [
      'plan.services.api.green.port: is missing; give the port where the command listens, from 1 to 65535',
    ],
  ],
  [
    'a port that is too high',
    { 'services.api.green.port': 70_000 },
    [
      'plan.services.api.green.port: 70000 is above 65535; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
    ],
  ],
  [
    'port 0',
    { 'services.api.green.port': 0 },
    [
      'plan.services.api.green.port: 0 is below 1; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
    ],
  ],
  [
    'a port in quotes',
    { 'services.api.green.port': '9002' },
    [
      'plan.services.api.green.port: "9002" is text; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
    ],
  ],
  [
    'half a port',
    { 'services.api.green.port': 90.5 },
    [
      'plan.services.api.green.port: 90.5 is not whole; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
    ],
  ],
  [
    'both a command and a url',
    { 'services.api.blue.url': 'http://127.0.0.1:9' },
    [
      'plan.services.api.blue: has both a command and a url; keep the command with a port, or the url',
    ],
  ],
  [
    'a colour of nothing',
    { 'services.api.green': {} },
    [
      'plan.services.api.green: has neither a command nor a url; give a command with a port, or a url',
    ],
  ],
  [
    'a port beside a url',
    { 'services.web.green.port': 9 },
    ['plan.services.web.green.port: 9 has no effect beside a url; take it out'],
  ],
  [
    'a url of another protocol',
    { 'services.web.green.url': 'ftp://x' },
    [
      'plan.services.web.green.url: "ftp://x" does not fit; give the http address of a running system, such as http://127.0.0.1:9001',
    ],
  ],
  [
    'a url with a password',
    { 'services.web.green.url': 'http://u:secret@x' },
    ['plan.services.web.green.url: carries a user or a password; a secret never stands in a plan'],
  ],
  [
    'a url with a path',
    { 'services.web.green.url': 'http://x:1/y' },
    ['plan.services.web.green.url: "http://x:1/y" goes on after the port; give http://x:1'],
  ],
  [
    "blue's url as green's",
    { 'services.web.green.url': 'http://127.0.0.1:9003' },
    [
      'plan.services.web.green.url: "http://127.0.0.1:9003" is blue\'s address too; give the address of the new system',
    ],
  ],
  [
    "a url at a command's port",
    { 'services.web.green.url': 'http://localhost:9002' },
    [
      'plan.services.web.green.url: 9002 is taken by plan.services.api.green.port; give another port',
    ],
  ],
  [
    'one port for both colours',
    { 'services.api.green.port': 9001 },
    [
      'plan.services.api.green.port: 9001 is taken by plan.services.api.blue.port; give another port',
    ],
  ],
  [
    "the router's port",
    { 'services.api.green.port': 8380 },
    [
      'plan.services.api.green.port: 8380 is taken by the router (plan.local.listen); give another port',
    ],
  ],
  [
    "the hook's port",
    { 'services.api.green.port': 8381 },
    [
      'plan.services.api.green.port: 8381 is taken by the hook (the port after plan.local.listen); give another port',
    ],
  ],
  [
    "Prometheus' port",
    { 'services.api.green.port': 8382 },
    [
      'plan.services.api.green.port: 8382 is taken by Prometheus (the second port after plan.local.listen); give another port',
    ],
  ],
  [
    'PORT in the environment',
    { 'services.api.green.environment': { PORT: '1' } },
    ['plan.services.api.green.environment.PORT: is given by the platform from port; take it out'],
  ],
  [
    'a bad name of a variable',
    { 'services.api.green.environment': { 'A-B': '1' } },
    [
      'plan.services.api.green.environment.A-B: "A-B" is no name of a variable; give letters, digits and _, not beginning with a digit',
    ],
  ],
  [
    'a number in the environment',
    { 'services.api.green.environment': { A: 1 } },
    ['plan.services.api.green.environment.A: 1 is a number; give text, in quotes'],
  ],
  [
    'env: without a name',
    { 'services.api.green.environment': { A: 'env:' } },
    [
      'plan.services.api.green.environment.A: "env:" names no variable; give env:NAME to pass one on',
    ],
  ],
  [
    'an environment for a url',
    { 'services.web.green.environment': { A: 'b' } },
    [
      'plan.services.web.green.environment.A: has no effect on a system that runs already; take it out',
    ],
  ],
  [
    'a route of two services',
    { 'services.web.routes': ['/'] },
    [
      'plan.services.web.routes[0]: "/" belongs to api already; give each service its own path prefixes',
    ],
  ],
  [
    'two services without routes',
    { 'services.web.routes': undefined },
    [
      'plan.services.web.routes[0]: "/" belongs to api already; give each service its own path prefixes',
    ],
  ],
  [
    'a route without a slash',
    { 'services.web.routes': ['web'] },
    [
      'plan.services.web.routes[0]: "web" does not fit; give a path that begins with /, such as /healthz',
    ],
  ],
  [
    'two kinds of affinity',
    { 'services.web.affinity': { header: 'a', cookie: 'b' } },
    ['plan.services.web.affinity: has both a header and a cookie; keep one'],
  ],
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
    ['plan.gates.steady: judges nothing; give one of metric, replay or confirm'],
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
  [
    'a guardrail of nothing',
    { 'guardrails.errors': { then: 'rollback' } },
    [
      'plan.guardrails.errors: has neither a metric nor a check; give metric: error-rate, or check: /healthz',
    ],
  ],
  [
    'a guardrail of two kinds',
    { 'guardrails.errors.check': '/x' },
    ['plan.guardrails.errors: has both a metric and a check; keep one, or make two guardrails'],
  ],
  [
    'an unknown metric',
    { 'guardrails.errors.metric': 'error_rate' },
    ['plan.guardrails.errors.metric: "error_rate" does not fit; give error-rate, p50, p95 or p99'],
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
      'plan.guardrails.errors.above: "5" does not fit; give 5%, 150ms, a number, "2x baseline", "60% of baseline" or "110% of blue"',
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
    ['plan.guardrails.errors.every: belongs to a check; take it out, or give for: 2m'],
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
    ['plan.guardrails.errors.then: "stop" does not fit; give rollback, hold or notify'],
  ],
  [
    'no action',
    { 'guardrails.errors.then': undefined },
    ['plan.guardrails.errors.then: is missing; give rollback, hold or notify'],
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
    'a secret for a name',
    { 'backups.orders.postgres': 'postgres://u:secret@db/x' },
    [
      'plan.backups.orders.postgres: what was given is no such name and is not shown; give the name of an environment variable as env:NAME; a secret itself never stands in a plan',
    ],
  ],
  [
    'a backup of age 0',
    { 'backups.orders.maximumAge': '0s' },
    [
      'plan.backups.orders.maximumAge: is 0, and no backup is ever that young; give a time such as 15m',
    ],
  ],
  [
    'an empty backup',
    { 'backups.orders': null },
    ['plan.backups.orders: is empty; give a mapping with postgres'],
  ],
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
    ['plan.notify.everyone.webhok: is not known here; did you mean webhook? known: webhook, slack'],
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
      'plan.limits.sevice: is not known here; did you mean service? known: flag, service, phase, plan, disaster',
    ],
  ],
  [
    'a port without an address',
    { 'local.listen': '8380' },
    ['plan.local.listen: "8380" does not fit; give an address and a port, such as 127.0.0.1:8380'],
  ],
  [
    'a port without two after it',
    { 'local.listen': '127.0.0.1:65534' },
    [
      'plan.local.listen: port 65534 cannot be used; give 1 to 65533, the hook and Prometheus take the two after it',
    ],
  ],
  [
    'an address with a space',
    { 'local.listen': 'a b:80' },
    [
      'plan.local.listen: "a b:80" does not fit; give an address and a port, such as 127.0.0.1:8380',
    ],
  ],
  [
    'a variable of two databases',
    { 'local.postgres.databases': { a: 'X_URL', b: 'X_URL' } },
    [
      'plan.local.postgres.databases.b: X_URL carries the address of a already; give each its own variable',
    ],
  ],
  [
    'no minimum',
    { minimumRequests: 0 },
    [
      'plan.minimumRequests: 0 is below 1; give a whole number, 1 or more (answers of green a bake must have seen; default 50)',
    ],
  ],
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
      'plan.limits.sevice: is not known here; did you mean service? known: flag, service, phase, plan, disaster',
      'plan.bake: is 0, so that nothing would be watched; give a time such as 1h',
    ],
  ],
]

function mistakes(read: () => unknown): string[] {
  try {
    read()
  } catch (error) {
    if (error instanceof PlanError) return error.message.split('\n')
    throw error
  }
  return []
}

describe('a plan', () => {
  it('is read with its defaults', () => {
    const { plan } = parsePlan(rightPlan())
    expect(plan).toMatchObject({
      bake: 3_600_000,
      minimumRequests: 50,
      start: { bake: 0, gates: ['parity'] },
      guardrails: { errors: { above: { kind: 'absolute', value: 0.05, unit: 'ratio' } } },
      backups: { orders: { before: 'every-step', maximumAge: 900_000, verify: 'restore' } },
    })
    expect(plan.services['api']).toMatchObject({ health: '/healthz', routes: ['/'] })
  })

  it('has one hash however it is written', () => {
    const { planHash } = parsePlan(rightPlan())
    const turned = Object.fromEntries(Object.entries(rightPlan()).reverse())
    expect(parsePlan({ ...turned, bake: '60m' }).planHash).toBe(planHash)
    expect(parsePlan({ ...turned, bake: '61m' }).planHash).not.toBe(planHash)
  })

  it('may listen where it says so itself', () => {
    for (const listen of ['0.0.0.0:80', '[::1]:8380', 'localhost:8380', '127.0.0.2:65533']) {
      expect(mistakes(() => parsePlan(changed({ 'local.listen': listen })))).toEqual([])
    }
  })

  it('may lead two services to one system that runs already', () => {
    const monolith = { 'services.api.blue': { url: 'http://127.0.0.1:9003' } }
    expect(mistakes(() => parsePlan(changed(monolith)))).toEqual([])
  })

  it.each(WRONG)('with %s is refused in so many words', (_, changes, messages) => {
    expect(mistakes(() => parsePlan(changed(changes)))).toEqual(messages)
  })

  it.each([
    [undefined, 'plan: is missing; give a mapping with name, services and steps'],
    [null, 'plan: is empty; give a mapping with name, services and steps'],
    ['hello', 'plan: "hello" is text; give a mapping with name, services and steps'],
    [[], 'plan: a list of 0 was given; give a mapping with name, services and steps'],
  ])('that is %j is refused', (raw, message) => {
    expect(mistakes(() => parsePlan(raw))).toEqual([message])
  })

  it('does not pass __proto__ over in silence', () => {
    const raw = JSON.parse('{"services": {"__proto__": {}}}')
    expect(mistakes(() => parsePlan({ ...rightPlan(), ...raw }))).toEqual([
      'plan.services.__proto__: is no name; take it out',
    ])
  })

  it('has every problem as data too, and its file in the message', () => {
    try {
      parsePlan(changed({ 'steps.1.weight': 140, bake: '0s' }), 'shop.plan.yaml')
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(PlanError)
      expect((error as PlanError).problems.map(({ path }) => path)).toEqual([
        'plan.steps[1].weight',
        'plan.bake',
      ])
      expect((error as PlanError).message).toMatch(/^shop\.plan\.yaml plan\.steps\[1\]/)
    }
  })
})

/** A refusal takes milliseconds; this only tells it from one that would take minutes. */
const GUARD = 20_000
const MEBIBYTE = 1_048_576
const fill = (piece: string) => piece.repeat(Math.floor((MEBIBYTE - 1_000) / piece.length))
const indented = Array.from({ length: 1_400 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')
const laughs = ['a: &a [x,x,x,x,x,x,x,x,x]']
  .concat(
    [...'bcdefgh'].map(
      (name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`)}]`,
    ),
  )
  .join('\n')

describe('a YAML text', () => {
  it.each([
    ['brackets in brackets', fill('['), /nests deeper than 40/],
    ['braces in braces', fill('{a: '), /nests deeper than 40/],
    ['lists in lists on one line', fill('- '), /nests deeper than 40/],
    ['keys in keys', fill('? - '), /nests deeper than 40/],
    ['mappings in mappings', indented, /nests deeper than 40/],
    [
      'a flood of keys',
      Array.from({ length: 90_000 }, (_, i) => `k${i}: 1\n`).join(''),
      /more than 40000 words/,
    ],
    ['a flood of anchors', fill('&a '), /more than 40000 words/],
    ['a flood of documents', fill('---\n'), /more than 40000 words/],
    ['aliases of aliases', laughs, /too many or wrong aliases/],
    ['an alias of itself', 'a: &a [*a]', /plan\.a: is not known here/],
    ['a tag', 'name: !!js/function x', /:1:7 plan: "!!js\/function" is a tag; take it out/],
    ['a directive', '%YAML 1.1\n---\nname: x', /:1:1 plan: "%YAML 1\.1" is a directive/],
    [
      'a key twice',
      'name: a\nname: b\n',
      /^f:2:1 plan: this key stands twice in its mapping; keep one$/,
    ],
    [
      'two documents',
      'name: a\n---\nname: b\n',
      /^f:2:1 plan: has a second document; keep one plan in a file$/,
    ],
    [
      'a merge',
      'start: &a {bake: 1h}\nlimits:\n  <<: *a',
      /:3:3 plan\.limits\["<<"\]: is not known here/,
    ],
    [
      'not a number',
      'steps: [.nan, 100]',
      /:1:9 plan\.steps\[0\]: NaN cannot be used; give a number/,
    ],
    [
      'an infinite number',
      'minimumRequests: .inf',
      /:1:18 plan\.minimumRequests: Infinity cannot be used/,
    ],
    ['a key that is a list', '? [a]\n: b', /this key is no text; give a name/],
    ['__proto__', '__proto__: {x: 1}', /plan\.__proto__: is no name; take it out/],
    ['nothing', '', /^f plan: the file is empty; write a plan, such as stacks\/huntred.plan.yaml$/],
    ['only a comment', '# a plan\n', /^f plan: the file is empty/],
    ['an open bracket', 'a: [1\nb: 2', /^f:2:1 plan: is no YAML: /],
    ['an open quote', `a: "${fill('x')}`, /is no YAML: Missing closing "quote/],
  ])('with %s is refused', { timeout: GUARD }, (_, text, message) => {
    expect(mistakes(() => parsePlanText(text, 'f')).join('\n')).toMatch(message)
  })

  it('has the line and column of each mistake, in the order of the file', () => {
    const text = JSON.stringify(changed({ 'steps.1.weight': 140, 'limits.sevice': '1s' }), null, 2)
    const lines = text.split('\n')
    const line = (piece: string) => lines.findIndex((each) => each.includes(piece)) + 1
    expect(mistakes(() => parsePlanText(text, 'f'))).toEqual([
      `f:${line('140')}:17 plan.steps[1].weight: 140 is above 100; give 1 to 100`,
      `f:${line('sevice')}:15 plan.limits.sevice: is not known here; did you mean service? known: flag, service, phase, plan, disaster`,
    ])
  })

  it('may have brackets and signs within its words', () => {
    const text = JSON.stringify(
      changed({ 'gates.approval.confirm': `${'[{'.repeat(100)} !now - - ?` }),
    )
    expect(parsePlanText(text).plan.gates['approval']?.confirm).toContain('!now')
  })
})

describe('a plan file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-plan-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const written = (content: string | Buffer) => {
    const file = join(folder, 'shop.plan.yaml')
    writeFileSync(file, content)
    return file
  }
  const refusal = async (file: string) => {
    const error = await loadPlan(file).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(PlanError)
    return (error as PlanError).message.replace(file, 'FILE')
  }

  it('is read as it stands', async () => {
    const file = written(JSON.stringify(rightPlan()))
    const { planHash } = parsePlan(rightPlan())
    expect(await loadPlan(file)).toMatchObject({ file, planHash, plan: { name: 'shop' } })
  })

  it('above a mebibyte is refused before it is read', { timeout: GUARD }, async () => {
    expect(await refusal(written('['.repeat(10_000_000)))).toBe(
      'FILE plan: the file has 10000000 bytes, above 1048576; give a shorter plan',
    )
  })

  it('that is no UTF-8 is refused with the byte', async () => {
    expect(await refusal(written(Buffer.from([0x6e, 0x61, 0xff, 0x6d])))).toBe(
      'FILE plan: is no UTF-8 text: byte 2 is 0xff; save the file as UTF-8',
    )
    expect(await refusal(written(Buffer.from([0x6e, 0x61, 0xc3])))).toBe(
      'FILE plan: is no UTF-8 text: byte 2 is 0xc3; save the file as UTF-8',
    )
  })

  it('that is not there, or is a folder, is refused', async () => {
    expect(await refusal(join(folder, 'none.yaml'))).toBe(
      'FILE plan: there is no such file; give the path of a plan, relative to stacks/',
    )
    expect(await refusal(folder)).toBe('FILE plan: is no file; give the path of a plan')
  })
})
