import { admit } from '../../rollout/admission.ts'
import type { Context, Props, ResourceType } from '../protocol.ts'
import { isOffline, platformOf, requestOf } from './request.ts'

/**
 * A backup that rises wait for. `stale` is true in the preview of an update that will take it, and
 * false again once it is taken and verified. The admission depends on it, and so do the weights.
 */
export const backup: ResourceType = {
  computed: ['record'],
  async check(ctx, olds, news) {
    const { platform, plan, backup: name } = news
    const due = isOffline() ? [] : await backupsDue(news, olds)
    const stale = due.includes(String(name))
    if (stale) await ctx.info(`${name}: stale, will be taken and verified before any weight rises`)
    return { inputs: { platform, plan, backup: name, stale } }
  },
  async create(ctx, inputs) {
    const taken = inputs['stale'] ? await take(ctx, inputs) : { record: null }
    return { id: ctx.name, outputs: { ...inputs, ...taken, stale: false } }
  },
  async update(ctx, _id, olds, news) {
    const taken = news['stale'] ? await take(ctx, news) : { record: olds['record'] ?? null }
    return { ...news, ...taken, stale: false }
  },
}

async function backupsDue(news: Props, olds: Props | undefined): Promise<string[]> {
  const observation = await (await platformOf(news)).observe()
  const last = olds === undefined ? undefined : Number(news['attempt'])
  return admit(requestOf(news), observation, 'preview', last).backupsDue
}

async function take(ctx: Context, inputs: Props): Promise<Props> {
  const name = String(inputs['backup'])
  const request = requestOf(inputs)
  try {
    const record = await (await platformOf(inputs)).backup(name, request.plan, ctx.progress)
    await ctx.info(
      `${name}: backup ${record.id} taken and verified, ${Object.keys(record.tables).length} tables, ${record.bytes} bytes`,
    )
    return { record: { id: record.id, takenAt: record.takenAt, location: record.location } }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`backup ${name} failed, so no weight rises: ${why}`)
  }
}
