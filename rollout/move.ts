import type { Journal } from './journal.ts'
import type { Latch } from './latch.ts'
import type { Observation } from './observation.ts'
import type { Position } from './positions.ts'
import type { Request } from './request.ts'
import type { ServiceWeights } from './weights.ts'

/** Everything about a move that its criteria look at. */
export interface Move {
  request: Request
  observation: Observation
  positions: Position[]
  target: Position
  /** Where the rollout stands; after a rollback, the landing. */
  standing: Position
  journal: Journal
  latch: Latch
  live: ServiceWeights
  /** The services whose green would rise. */
  rising: string[]
  /** True where the cursor goes forward. */
  forward: boolean
  /** At apply nothing can still be taken: a stale backup holds the move. */
  stage: 'preview' | 'apply'
}
