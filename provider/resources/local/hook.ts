import { applyHook, guardedHash } from '../../../platforms/local/hook-service.ts'
import { layoutOf, portsOf } from '../../../platforms/local/layout.ts'
import { removeService } from '../../../platforms/local/supervisor.ts'
import { planOf } from '../../../rollout/plan-text.ts'
import type { Context, Props, ResourceType } from '../../protocol.ts'
import { isOffline } from '../request.ts'
import { mayDelete } from './deletion.ts'

/** The rollback hook. A new plan is handed to the one that runs; a new one is proved first. */
export const hook: ResourceType = {
  replaceOn: ['home'],
  async diff(_ctx, _id, _olds, news) {
    if (isOffline()) return undefined
    // Its own word counts, not the supervisor's: one that is up may have stopped to guard.
    const guarded = await guardedHash(portsOf(planOf(news['plan'])).hook)
    return guarded === news['planHash'] ? undefined : { changed: true }
  },
  async create(ctx, inputs) {
    await apply(ctx, inputs)
    return { id: ctx.name, outputs: inputs }
  },
  async update(ctx, _id, _olds, news) {
    await apply(ctx, news)
    return news
  },
  async delete(_ctx, _id, olds) {
    await mayDelete(String(olds['home']), 'all')
    await removeService(layoutOf(String(olds['home'])), 'hook')
  },
}

async function apply(ctx: Context, inputs: Props): Promise<void> {
  await applyHook(layoutOf(String(inputs['home'])), {
    plan: planOf(inputs['plan']),
    planHash: String(inputs['planHash']),
    clock: Number(inputs['clock']),
    environment: inputs['environment'] as string | undefined,
    folder: String(inputs['folder']),
    progress: ctx.progress,
    signal: ctx.signal,
  })
}
