import { journalOf, latchOf } from '../../rollout/observation.ts'
import type { ResourceType } from '../protocol.ts'
import { isOffline, platformOf, requestOf } from './request.ts'

/** Reads the live weights back and records the position as verified: from then on it bakes. */
export const verification: ResourceType = {
  async diff(_ctx, _id, _olds, news) {
    if (isOffline()) return undefined
    const observation = await (await platformOf(news)).observe()
    const journal = journalOf(observation)
    if (!journal || latchOf(observation)?.latched) return undefined
    const stands = journal.verified.position === requestOf(news).position && !journal.intent
    return stands ? undefined : { changed: true, paths: ['position'] }
  },
  async create(ctx, inputs) {
    await (await platformOf(inputs)).verify(requestOf(inputs))
    return { id: ctx.name, outputs: inputs }
  },
  async update(_ctx, _id, _olds, news) {
    await (await platformOf(news)).verify(requestOf(news))
    return news
  },
}
