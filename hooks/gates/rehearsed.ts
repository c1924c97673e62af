import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FileStore, readEvents } from '../../platforms/local/file-store.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import { judgeRehearsal } from '../../rollout/rehearsal.ts'
import type { GateKind } from './context.ts'

const WHOLE_HISTORY = 100_000

/** A rollback has been seen to work in another environment of this plan, beside this home. */
export const rehearsed: GateKind = {
  traffic: false,
  async judge({ gate, plan, layout }) {
    const environment = gate.rehearsed as string
    const home = join(dirname(layout.home), `${plan.name}-${environment}`)
    // It cannot have been rehearsed before its first step, and it is here that it will be.
    if (home === layout.home) {
      return { result: 'passed', reason: `this is ${environment}, where it is rehearsed` }
    }
    if (!existsSync(home)) {
      return {
        result: 'inconclusive',
        reason: `${environment} has no home ${home}, so nothing was rehearsed there; next: deploy it`,
      }
    }
    const other = layoutOf(home)
    // Its history may tell it although the latch was taken off, or lost.
    const latch = await new FileStore(other).readLatch().catch(() => undefined)
    return judgeRehearsal(environment, latch, readEvents(other, WHOLE_HISTORY))
  },
}
