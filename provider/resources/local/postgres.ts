import { type Archiving, needsRestart, setArchiving } from '../../../platforms/local/archive.ts'
import { layoutOf } from '../../../platforms/local/layout.ts'
import {
  ensureCluster,
  ensureDatabases,
  postgresService,
} from '../../../platforms/local/postgres.ts'
import { installService, removeService } from '../../../platforms/local/supervisor.ts'
import type { Context, Props, ResourceType } from '../../protocol.ts'
import { mayDelete } from './deletion.ts'
import { whereDown } from './repair.ts'

/**
 * The supervised PostgreSQL server, its databases, and whether it is archived continuously.
 * Deleting it leaves the data.
 */
export const postgres: ResourceType = {
  replaceOn: ['home'],
  diff: whereDown(() => 'postgres'),
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
    await removeService(layoutOf(String(olds['home'])), 'postgres')
  },
}

async function apply(ctx: Context, inputs: Props): Promise<void> {
  const layout = layoutOf(String(inputs['home']))
  if (await needsRestart(layout)) {
    await ctx.info('PostgreSQL restarts once, so that it can be archived from now on')
  }
  await ensureCluster(layout)
  await installService(layout, 'postgres', postgresService(layout))
  await ensureDatabases(layout, inputs['databases'] as string[])
  await setArchiving(layout, inputs['archiving'] as Archiving | undefined)
}
