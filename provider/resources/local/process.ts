import { connect } from 'node:net'
import { databaseUrl, type Layout, layoutOf } from '../../../platforms/local/layout.ts'
import { recordStart } from '../../../platforms/local/process-figures.ts'
import { installService, removeService, waitFor } from '../../../platforms/local/supervisor.ts'
import type { Context, Props, ResourceType } from '../../protocol.ts'
import { mayDelete, type Until } from './deletion.ts'
import { whereDown } from './repair.ts'

/** How long a colour may take from its start to its first healthy answer. */
const START_LIMIT_MS = 60_000

/** A supervised program: a colour of a service, an operation, a copier. */
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
    const until = olds['until'] as Until | undefined
    await mayDelete(String(olds['home']), until ?? (id.endsWith('-blue') ? 'retired' : 'all'))
    await removeService(layoutOf(String(olds['home'])), id)
  },
}

async function apply(ctx: Context, inputs: Props): Promise<void> {
  const layout = layoutOf(String(inputs['home']))
  const name = String(inputs['process'])
  const [program, ...rest] = inputs['command'] as string[]
  const lookedAt = new Date()
  const status = await installService(layout, name, {
    // The Node that runs Sluice reads TypeScript; the system's own may be older.
    command: [program === 'node' ? process.execPath : (program as string), ...rest],
    environment: environmentOf(layout, inputs),
    cwd: String(inputs['folder']),
  })
  const ready = inputs['ready'] as string | undefined
  if (ready === undefined) return
  ctx.progress(`waiting for ${ready}`)
  await waitFor(() => answers(ready), {
    timeoutMs: START_LIMIT_MS,
    what: `${name} to answer ${ready}; its log is ${layout.logs}/${name}.log`,
    signal: ctx.signal,
  })
  recordStart(layout, name, status, lookedAt, new Date())
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
  // Always there, so that a plan which gets its first flag restarts nothing.
  const flags = ['SLUICE_FLAGS', layout.flags]
  return Object.fromEntries([...urls, flags, ...resolved])
}

async function answers(url: string): Promise<boolean> {
  if (url.startsWith('unix:')) return listens(url.slice('unix:'.length))
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  await response?.body?.cancel()
  return response?.ok ?? false
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const end = (found: boolean) => {
      socket.destroy()
      resolve(found)
    }
    socket.setTimeout(2_000, () => end(false))
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
  })
}
