import { judgeRehearsal } from '../../rollout/rehearsal.ts'
import type { GateKind } from './context.ts'

/** A rollback has been seen to work in another environment of this plan. */
export const rehearsed: GateKind = {
  traffic: false,
  async judge({ gate, plan, around }) {
    const environment = gate.rehearsed as string
    const found = await around.environment(plan, environment)
    // It cannot have been rehearsed before its first step, and it is here that it will be.
    if (found === 'here') {
      return { result: 'passed', reason: `this is ${environment}, where it is rehearsed` }
    }
    if ('missing' in found) {
      return {
        result: 'inconclusive',
        reason: `${environment} has ${found.missing}, so nothing was rehearsed there; next: deploy it`,
      }
    }
    return judgeRehearsal(environment, found.latch, found.events)
  },
}
