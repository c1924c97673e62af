import { basename } from 'node:path'
import { createHome, deleteHome } from '../../../platforms/local/home.ts'
import { layoutOf } from '../../../platforms/local/layout.ts'
import { supervisorsOf } from '../../../platforms/local/processes.ts'
import { stopAll } from '../../../platforms/local/supervisor.ts'
import type { ResourceType } from '../../protocol.ts'
import { isOffline } from '../request.ts'
import { mayDelete } from './deletion.ts'

/** The home: folders, tokens, supervisor. What is there already is adopted. */
export const home: ResourceType = {
  replaceOn: ['home'],
  async diff(_ctx, id) {
    if (isOffline()) return undefined
    // Without its supervisor everything runs on until the first program ends.
    return supervisorsOf(layoutOf(id).services).length > 0 ? undefined : { changed: true }
  },
  async create(_ctx, inputs) {
    const layout = layoutOf(String(inputs['home']))
    await createHome(layout)
    return { id: layout.home, outputs: inputs }
  },
  async update(_ctx, _id, _olds, news) {
    await createHome(layoutOf(String(news['home'])))
    return news
  },
  async delete(ctx, id) {
    await mayDelete(id, 'all')
    const layout = layoutOf(id)
    await stopAll(layout)
    const withData = process.env['SLUICE_DELETE_DATA'] === basename(id)
    await deleteHome(layout, { withData })
    if (!withData) await ctx.info(`databases and backups stand in ${id}; nothing else is left`)
  },
}
