import type { Journal, OperationRecord } from './journal.ts'
import type { Moment, Operation, Plan, Service } from './plan.ts'
import type { Position } from './positions.ts'
import { greenOf } from './weights.ts'

/**
 * What is run, and when: the plan's own operations, and those that the strategies of its services
 * stand for. Compiled here; run by the hook; a move waits for them in the admission.
 */
export interface PlannedOperation {
  /** Unique in the plan: the operation's name, or `api.export` for one of a strategy. */
  name: string
  /** Where the plan says it. */
  place: string
  moment: Moment
  /** The service whose move it belongs to; undefined: every move. */
  service?: string
  run: string[]
  /** state-preservation: this command's output is the other's input. */
  into?: string[]
  environment: Record<string, string>
  timeoutMs: number
}

const TIMEOUT_MS = 600_000

/** Every operation of the plan that is run at a moment; supervised ones are not among them. */
export function plannedOperations(plan: Plan): PlannedOperation[] {
  const own = Object.entries(plan.operations).flatMap(([name, operation]): PlannedOperation[] => {
    if (!operation.at) return []
    const { run, at, environment, timeout } = operation
    return [{ name, place: `operations.${name}`, moment: at, run, environment, timeoutMs: timeout }]
  })
  const ofStrategies = Object.entries(plan.services).flatMap(([name, service]) =>
    strategyOperations(name, service),
  )
  return [...own, ...ofStrategies]
}

function strategyOperations(name: string, { strategy, state }: Service): PlannedOperation[] {
  const of = (
    what: string,
    moment: Moment,
    run: string[] | undefined,
    extra: Partial<PlannedOperation> = {},
  ): PlannedOperation[] =>
    run
      ? [
          {
            name: `${name}.${what}`,
            place: `services.${name}.state.${what}`,
            moment,
            service: name,
            run,
            environment: {},
            timeoutMs: TIMEOUT_MS,
            ...extra,
          },
        ]
      : []
  switch (strategy) {
    case 'state-preservation':
      return [
        ...of('export', 'before-first-step', state.export, {
          into: state.import,
          environment: { SLUICE_FROM: 'blue', SLUICE_TO: 'green' },
        }),
        ...of('import', 'on-rollback', state.export, {
          into: state.import,
          environment: { SLUICE_FROM: 'green', SLUICE_TO: 'blue' },
        }),
      ]
    case 'compensation':
      return of('compensate', 'on-rollback', state.compensate)
    case 'distributed-transaction':
      return [
        ...of('prepare', 'before-step', state.prepare),
        ...of('commit', 'after-step', state.commit),
        ...of('abort', 'on-rollback', state.abort),
      ]
    default:
      return []
  }
}

/**
 * Where the metrics of a supervised operation are read: at its own port of `host`, or at the address
 * that the plan gives.
 * @returns undefined where it has none
 */
export function metricsUrl(
  { metrics }: Pick<Operation, 'metrics'>,
  host = '127.0.0.1',
): string | undefined {
  if (metrics === undefined || typeof metrics === 'string') return metrics
  return `http://${host}:${metrics.port}${metrics.path}`
}

/**
 * What must have been done at a position before the one after it may be reached: what the plan runs
 * before the steps, and what it runs after the step that stands.
 */
export function operationsBefore(
  plan: Plan,
  standing: Position,
  target: Position,
): PlannedOperation[] {
  return plannedOperations(plan).filter(({ moment, service }) => {
    switch (moment) {
      case 'before-first-step':
        // Of a service: before its own first step.
        return service === undefined
          ? standing.kind === 'start'
          : greenOf(standing.weights, service) === 0 && greenOf(target.weights, service) > 0
      case 'before-step':
        return (
          target.kind === 'step' && (service === undefined || target.services.includes(service))
        )
      case 'after-step':
        return (
          standing.kind === 'step' && (service === undefined || standing.services.includes(service))
        )
      case 'promoted':
        return standing.kind === 'promoted'
      default:
        return false
    }
  })
}

/** The operations of a rollback: those of the services that go back, and the plan's own. */
export function operationsOnRollback(plan: Plan, services: readonly string[]): PlannedOperation[] {
  return plannedOperations(plan).filter(
    ({ moment, service }) =>
      moment === 'on-rollback' && (service === undefined || services.includes(service)),
  )
}

/** What is recorded of an operation at a position of this attempt. */
export function recordOf(
  { name }: Pick<PlannedOperation, 'name'>,
  position: Pick<Position, 'name'>,
  journal: Pick<Journal, 'operations' | 'attempt'>,
): OperationRecord | undefined {
  return journal.operations?.findLast(
    (record) =>
      record.operation === name &&
      record.position === position.name &&
      record.attempt === journal.attempt,
  )
}
