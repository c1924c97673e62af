import { type Archiving, setArchiving } from '../../../platforms/local/archive.ts'
import { layoutOf } from '../../../platforms/local/layout.ts'
import {
  ensureCluster,
  ensureDatabases,
  postgresService,
} from '../../../platforms/local/postgres.ts'
import { installService, removeService } from '../../../platforms/local/supervisor.ts'
import type { Props, ResourceType } from '../../protocol.ts'
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
    await apply(inputs)
    return { id: ctx.name, outputs: inputs }
  },
  async update(_ctx, _id, _olds, news) {
    await apply(news)
    return news
  },
  async delete(_ctx, _id, olds) {
    await mayDelete(String(olds['home']), 'all')
    await removeService(layoutOf(String(olds['home'])), 'postgres')
  },
}

async function apply(inputs: Props): Promise<void> {
  const layout = layoutOf(String(inputs['home']))
  await ensureCluster(layout)
  await installService(layout, 'postgres', postgresService(layout))
  await ensureDatabases(layout, inputs['databases'] as string[])
  await setArchiving(layout, inputs['archiving'] as Archiving | undefined)
}
