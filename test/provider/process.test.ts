import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHome } from '../../platforms/local/home.ts'
import { databaseUrl } from '../../platforms/local/layout.ts'
import { processFigures } from '../../platforms/local/process-figures.ts'
import { stopAll } from '../../platforms/local/supervisor.ts'
import type { Context } from '../../provider/protocol.ts'
import { supervised } from '../../provider/resources/local/process.ts'
import { planSchema } from '../../rollout/plan.ts'
import { freePorts } from '../e2e/free-ports.ts'
import { temporaryHome } from '../platforms/local/stand.ts'

const layout = temporaryHome()
const context: Context = {
  urn: 'urn',
  name: 'api-green',
  type: 'sluice:local:Process',
  preview: false,
  signal: AbortSignal.timeout(120_000),
  config: {},
  progress: () => {},
  info: async () => {},
  warn: async () => {},
}

/** Answers with its environment, and keeps a child that has memory of its own. */
const PROGRAM = `
  require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'])
  require('node:http').createServer((_, response) => response.end(JSON.stringify(process.env)))
    .listen(process.env.PORT, '127.0.0.1')
`

beforeAll(() => createHome(layout))
afterAll(async () => {
  await stopAll(layout)
  rmSync(layout.home, { recursive: true, force: true })
})

async function inputsOf(process: string, more: object = {}) {
  const port = await freePorts(1)
  const inputs = {
    home: layout.home,
    process,
    command: ['node', '-e', PROGRAM],
    environment: { PORT: String(port), SLUICE_ROLLOUT: 'shop' },
    folder: import.meta.dirname,
    databases: { orders: 'ORDERS_URL' },
    ready: `http://127.0.0.1:${port}/`,
    ...more,
  }
  return { port, inputs }
}

describe('a supervised program', () => {
  it('has its databases, the flag file and its own variables', async () => {
    const { port, inputs } = await inputsOf('api-green')
    await supervised.create(context, inputs)
    const environment = await (await fetch(`http://127.0.0.1:${port}/`)).json()
    expect(environment).toMatchObject({
      SLUICE_FLAGS: join(layout.home, 'flags.json'),
      ORDERS_URL: databaseUrl(layout, 'orders'),
      SLUICE_ROLLOUT: 'shop',
    })
  })

  it('is measured: from its start to its first answer, and its memory with its children', () => {
    const colours = {
      blue: { servedBy: 'api.green' },
      green: { command: ['api'], port: 9001 },
    }
    const services = { api: colours, far: { ...colours, green: { url: 'http://127.0.0.1:1' } } }
    const plan = planSchema.parse({ name: 'shop', steps: [100], services })
    const figures = processFigures(plan, layout)
    expect(figures.map(({ service, color }) => `${service} ${color}`)).toEqual([
      'api blue',
      'api green',
      'far blue',
    ])
    for (const { startSeconds, residentBytes } of figures) {
      expect(startSeconds).toBeGreaterThan(0)
      expect(startSeconds).toBeLessThan(60)
      // One Node alone has less.
      expect(residentBytes).toBeGreaterThan(60e6)
    }
  })

  it('keeps what was measured at its start when it is looked at again', async () => {
    const { inputs } = await inputsOf('web-green')
    await supervised.create(context, inputs)
    const services = {
      web: { blue: { url: 'http://127.0.0.1:1' }, green: { command: ['web'], port: 9001 } },
    }
    const plan = planSchema.parse({ name: 'shop', steps: [100], services })
    const before = processFigures(plan, layout)[0]?.startSeconds
    expect(before).toBeGreaterThan(0)
    await supervised.update?.(context, 'web-green', inputs, inputs)
    expect(processFigures(plan, layout)[0]?.startSeconds).toBe(before)
  })

  it('needs no address to be ready, as an operation has none', async () => {
    const { inputs } = await inputsOf('sync-operation', { ready: undefined, until: 'retired' })
    const created = await supervised.create(context, inputs)
    expect(created.id).toBe('sync-operation')
  })
})
