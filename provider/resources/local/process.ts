import { databaseUrl, type Layout, layoutOf } from '../../../platforms/local/layout.ts'
import { installService, removeService, waitFor } from '../../../platforms/local/supervisor.ts'
import type { Context, Props, ResourceType } from '../../protocol.ts'
import { mayDelete } from './deletion.ts'
import { whereDown } from './repair.ts'

/** How long a colour may take from its start to its first healthy answer. */
const START_LIMIT_MS = 60_000

/** One colour of a service under the supervisor. */
export const supervised: ResourceType = {
  replaceOn: ['home', 'process'],
  diff: whereDown((id) => id),
  async create(ctx, inputs) {
    await apply(ctx, inputs)
    return { id: String(inputs['process']), outputs: inputs }
  },
  async update(ctx, _id, _olds, news) {
    await apply(ctx, news)
    return news
  },
  async delete(_ctx, id, olds) {
    await mayDelete(String(olds['home']), id.endsWith('-blue') ? 'blue' : 'all')
    await removeService(layoutOf(String(olds['home'])), id)
  },
}

async function apply(ctx: Context, inputs: Props): Promise<void> {
  const layout = layoutOf(String(inputs['home']))
  const name = String(inputs['process'])
  const [program, ...rest] = inputs['command'] as string[]
  await installService(layout, name, {
    // The Node that runs Sluice reads TypeScript; the system's own may be older.
    command: [program === 'node' ? process.execPath : (program as string), ...rest],
    environment: environmentOf(layout, inputs),
    cwd: String(inputs['folder']),
  })
  const ready = String(inputs['ready'])
  ctx.progress(`waiting for ${ready}`)
  await waitFor(() => answers(ready), {
    timeoutMs: START_LIMIT_MS,
    what: `${name} to answer ${ready}; its log is ${layout.logs}/${name}.log`,
    signal: ctx.signal,
  })
}

function environmentOf(layout: Layout, inputs: Props): Record<string, string> {
  const given = inputs['environment'] as Record<string, string>
  const databases = inputs['databases'] as Record<string, string>
  const resolved = Object.entries(given).map(([key, value]) => {
    if (!value.startsWith('env:')) return [key, value]
    const name = value.slice(4)
    const found = process.env[name]
    if (found === undefined) {
      throw new Error(
        `${inputs['process']}: ${key} is to be env:${name}, but ${name} is not set here; export ${name}=… and run pulumi up again`,
      )
    }
    return [key, found]
  })
  const urls = Object.entries(databases).map(([database, variable]) => [
    variable,
    databaseUrl(layout, database),
  ])
  return Object.fromEntries([...urls, ...resolved])
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  await response?.body?.cancel()
  return response?.ok ?? false
}
