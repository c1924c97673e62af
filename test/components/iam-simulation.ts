import type { PolicyDocument, PolicyStatement } from '../../components/aws/policies.ts'

/** A call as IAM sees it. */
export interface Asked {
  action: string
  resource: string
  /** Condition keys with their values. */
  context?: Record<string, string | string[]>
}

/**
 * How IAM decides on a document, as far as the rollout's documents go: wildcards in resources, and
 * the condition operators that they use; another one is an error. A simulation: service control
 * policies, boundaries and what a service does not support as a resource are not in it.
 */
export function isAllowed(document: PolicyDocument, asked: Asked): boolean {
  return !isDenied(document, asked) && holds(document, asked, 'Allow')
}

export function isDenied(document: PolicyDocument, asked: Asked): boolean {
  return holds(document, asked, 'Deny')
}

function holds(document: PolicyDocument, asked: Asked, effect: PolicyStatement['Effect']): boolean {
  return document.Statement.some(
    ({ Effect, Action, Resource, Condition = {} }) =>
      Effect === effect &&
      Action.some((action) => matches(action, asked.action)) &&
      Resource.some((resource) => matches(resource, asked.resource)) &&
      Object.entries(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(([key, wanted]) =>
          satisfies(operator, [asked.context?.[key] ?? []].flat(), [wanted].flat()),
        ),
      ),
  )
}

function satisfies(operator: string, given: string[], wanted: string[]): boolean {
  switch (operator) {
    case 'StringEquals':
      return given.length > 0 && given.every((one) => wanted.includes(one))
    case 'ArnEquals':
      return given.length > 0 && given.every((one) => wanted.some((arn) => matches(arn, one)))
    case 'ForAllValues:StringEquals':
      return given.every((one) => wanted.includes(one))
    case 'ForAnyValue:StringEquals':
      return given.some((one) => wanted.includes(one))
    default:
      throw new Error(`the simulation does not know the operator ${operator}`)
  }
}

function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${escaped.replaceAll('?', '.')}$`).test(text)
}
