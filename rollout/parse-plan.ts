import { hashOf } from './hash.ts'
import { type Plan, planSchema } from './plan.ts'
import { checkPlan } from './plan-checks.ts'
import { formatPath, type Keys, partsOf } from './plan-parts.ts'
import { type Finding, shapeFindings } from './plan-problems.ts'

/** One mistake of a plan. */
export interface PlanProblem {
  /** Where: `plan.steps[2].weight`. */
  path: string
  /** What was given and what to do. */
  message: string
  /** The place as keys and indices. */
  keys: Keys
  /** From 1, where the plan came from a file. */
  line?: number
  column?: number
}

/** A plan cannot be used. `problems` has one entry a mistake; `message` lists all of them. */
export class PlanError extends Error {
  override name = 'PlanError'
  readonly problems: PlanProblem[]
  readonly file?: string
  constructor(problems: PlanProblem[], file?: string) {
    super(problems.map((problem) => describeProblem(problem, file)).join('\n'))
    this.problems = problems
    this.file = file
  }
}

/** `shop.plan.yaml:12:5 plan.steps[2].weight: 140 is above 100; give 1 to 100` */
function describeProblem({ path, message, line, column }: PlanProblem, file?: string): string {
  const position = line === undefined ? '' : `:${line}:${column ?? 1}`
  return `${file ? `${file}${position} ` : ''}${path}: ${message}`
}

/**
 * Reads a plan from what a YAML or JSON file says.
 *
 * @param file where it came from; only named in the messages
 * @returns the plan with its defaults, and a hash that equal plans share however they are written
 * @throws PlanError with every mistake at once; never anything else
 */
export function parsePlan(raw: unknown, file?: string): { plan: Plan; planHash: string } {
  let findings: Finding[]
  try {
    const shape = shapeFindings(raw)
    findings = [...shape, ...checkPlan(partsOf(raw), shape)]
    if (findings.length === 0) {
      const plan = planSchema.parse(raw)
      return { plan, planHash: hashOf(plan) }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    findings = [{ keys: [], message: `cannot be read (${reason}); give plain data` }]
  }
  throw new PlanError(
    findings.map(({ keys, message }) => ({ path: formatPath(keys), message, keys })),
    file,
  )
}
