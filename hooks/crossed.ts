import type { TripCause } from '../platforms/operations.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import type { Level } from '../rollout/escalation.ts'

/** A level of escalation that green of a service has crossed, with both numbers in words. */
export interface Crossed {
  service: string
  value: string
  threshold: string
  /** When the first bad answer of the evidence came, ISO 8601, where it is known. */
  firstBadAt?: string
}

const inWords = ({ service, value, threshold }: Crossed) =>
  `green of ${service} has ${value}, above ${threshold}`

/** Why a level takes green back, where it says so. */
export function tripOf(crossed: Crossed): TripCause {
  const { service, value, threshold, firstBadAt } = crossed
  return {
    ...{ cause: 'escalation', value, threshold, reason: inWords(crossed), service, firstBadAt },
    scope: 'service',
    pace: 'immediately',
  }
}

/** What the people of a level are told. */
export function newsOf(crossed: Crossed, { notify }: Level): Omit<RolloutEvent, 'at'> {
  const { service, value, threshold } = crossed
  return {
    kind: 'escalation',
    message: inWords(crossed),
    severity: 'critical',
    details: { service, value, threshold, notify },
  }
}
