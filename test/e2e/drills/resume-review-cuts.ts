import type { PlanInput } from '../../../rollout/plan.ts'
import { soonTooOld } from './backups.ts'
import { guarding, named, QUIET, short } from './cuts.ts'

/** Guardrails and gates as they are, on a few steps a service, one service before the others. */
function cut(plan: PlanInput, first: string, guardrails: string[], gates: string[]): PlanInput {
  const rest = Object.keys(plan.services).filter((name) => name !== first)
  const guarded = guarding(plan, guardrails)
  return {
    ...short(plan),
    environments: plan.environments,
    ...guarded,
    gates: { ...guarded.gates, ...named(plan.gates, gates) },
    escalation: [],
    phases: [
      { name: 'first', services: [first], steps: [{ weight: 50, gates }, 100] },
      { name: 'rest', services: rest },
    ],
    steps: [100],
  }
}

const guarded = (name: string, first = 'auth') => [
  name,
  (plan: PlanInput) => cut(plan, first, [name], []),
]
const gated = (name: string, first = 'auth') => [
  name,
  (plan: PlanInput) => cut(plan, first, [], [name]),
]
/** A gate that counts errors: of so many answers one of ten is never by chance none. */
const counted = (name: string, first = 'auth') => [
  name,
  (plan: PlanInput) => ({ ...cut(plan, first, [], [name]), minimumRequests: 200 }),
]

function withoutPrompts(plan: PlanInput): PlanInput {
  const edited = structuredClone(cut(plan, 'ai-structure', [], ['prompts']))
  Object.assign(edited.gates?.['prompts'] ?? {}, {
    environment: { PROMPTS: 'examples/resume-review/no-prompts.yaml' },
  })
  return edited
}

export const variants = {
  errors: (plan: PlanInput) => cut(plan, 'auth', ['errors'], []),
  ...Object.fromEntries([
    ...['slow', 'memory-leak', 'connection-leak', 'contract-break', 'inconsistent', 'health'].map(
      (name) => guarded(name),
    ),
    guarded('contract-break-ai', 'ai-structure'),
    ...['contracts', 'auth-identical', 'auth-speed', 'auth-tests', 'no-new-errors'].map((name) =>
      gated(name),
    ),
    ...['all-fast', 'performance', 'final'].map((name) => gated(name)),
    counted('all-stable'),
    counted('few-errors', 'review'),
    gated('upload-works', 'upload'),
    ...['prompts', 'ai-unchanged', 'ai-speed', 'ai-tests'].map((name) =>
      gated(name, 'ai-structure'),
    ),
    ...['fast', 'no-complaints', 'review-tests'].map((name) => gated(name, 'review')),
    ...['auth', 'upload', 'ai-structure', 'ai-appeal', 'review'].map((name) => [
      `toggle ${name}`,
      (plan: PlanInput) => cut(plan, name, [], []),
    ]),
  ]),
  'no prompts': withoutPrompts,
  escalation: (plan: PlanInput) => ({
    ...cut(plan, 'auth', [], []),
    escalation: plan.escalation,
  }),
  // What takes back within a second of an outage is the guardrail: all levels are judged with it.
  'escalation with its guardrail': (plan: PlanInput) => ({
    ...cut(plan, 'auth', ['errors'], []),
    escalation: plan.escalation,
  }),
  start: (plan: PlanInput): PlanInput => ({
    ...cut(plan, 'auth', [], []),
    gates: named(plan.gates, plan.start?.gates ?? []),
    start: { bake: '1s', gates: plan.start?.gates },
    guardrails: QUIET,
  }),
  backups: (plan: PlanInput) => soonTooOld(cut(plan, 'auth', [], [])),
}
