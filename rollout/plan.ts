import { z } from 'zod'
import { durationSchema } from './duration.ts'
import { aws } from './schema/aws.ts'
import { backup, flag, type MOMENTS, operation, type PRIORITIES } from './schema/data.ts'
import { gate } from './schema/gate.ts'
import { escalation, guardrail, type METRICS, type SEVERITIES } from './schema/guardrail.ts'
import { kubernetes, runner } from './schema/kubernetes.ts'
import { local } from './schema/local.ts'
import { channel, limits, report, retire } from './schema/people.ts'
import { external, type STRATEGIES, service } from './schema/service.ts'
import { announce, phase, step } from './schema/steps.ts'
import { name, names } from './schema/words.ts'

/**
 * The plan of a rollout: one strict schema, from which the types, the JSON Schema for editors and
 * every default come. An unknown key is an error. `parse-plan.ts` turns what is wrong into
 * messages; `positions.ts` compiles what is right into the list of positions.
 */
export const planSchema = z.strictObject({
  name,
  environments: z
    .array(name)
    .min(2)
    .optional()
    .describe('stacks of this one plan, in order: a later one goes only as far as the one before'),
  services: z.record(name, service).describe('what is moved'),
  external: z.record(name, external).default({}).describe('checked, never moved'),
  phases: z
    .array(phase)
    .min(1)
    .optional()
    .describe('default: by tier, then by dependencies, then in the order they stand in'),
  steps: z.array(step).min(1).describe("green's share in percent, rising to 100"),
  start: z
    .strictObject({
      bake: durationSchema.default(0),
      gates: names,
      announce: announce.describe('told when it is left for the first step'),
    })
    .prefault({})
    .describe('the position before the first step: deployed, no traffic'),
  bake: durationSchema
    .default(3_600_000)
    .describe('how long a step is watched before it may be left; default 1h'),
  settle: durationSchema
    .default(0)
    .describe('after a move: not yet part of the bake, and gates do not count it; default 0s'),
  minimumRequests: z
    .int()
    .min(1)
    .default(50)
    .describe('answers of green a bake must have seen; default 50'),
  guardrails: z.record(name, guardrail).default({}),
  escalation: z.array(escalation).default([]).describe('who is told at which share of errors'),
  gates: z.record(name, gate).default({}),
  operations: z.record(name, operation).default({}).describe('commands at fixed moments'),
  backups: z.record(name, backup).default({}),
  flags: z.record(name, flag).default({}).describe('what services read live from the flag file'),
  notify: z.record(name, channel).default({}).describe('where news goes, beside the console'),
  limits: limits.prefault({}).describe('promised times from trigger to done'),
  report: report.prefault({}).describe('what is reported, to whom, and against which targets'),
  retire: retire
    .prefault({})
    .describe('how long green must stay at 100 before blue may be released'),
  local: local.prefault({}).describe('the local platform'),
  kubernetes: kubernetes.optional().describe('the cluster, on the platform kubernetes'),
  runner: runner.optional(),
  aws: aws.prefault({}).describe('the platform aws'),
})

/** A plan as it is written. */
export type PlanInput = z.input<typeof planSchema>
/** A plan as it is used: durations in milliseconds, thresholds and shares as numbers. */
export type Plan = z.output<typeof planSchema>
export type Service = Plan['services'][string]
export type Colour = Service['green']
export type Phase = NonNullable<Plan['phases']>[number]
export type Guardrail = Plan['guardrails'][string]
export type Gate = Plan['gates'][string]
export type Backup = Plan['backups'][string]
export type Operation = Plan['operations'][string]
export type Flag = Plan['flags'][string]
export type Channel = Plan['notify'][string]
export type Metric = (typeof METRICS)[number]
export type Severity = (typeof SEVERITIES)[number]
export type Strategy = (typeof STRATEGIES)[number]
export type Moment = (typeof MOMENTS)[number]
export type Priority = (typeof PRIORITIES)[number]
export type ColourName = 'blue' | 'green'
