import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePorts } from '../e2e/free-ports.ts'
import { startIndexServer } from '../standins/elasticsearch-stand-in.ts'
import { Cluster } from './cluster.ts'
import { runExample, startExample } from './program.ts'

type Example = Awaited<ReturnType<typeof startExample>>

describe('the services of hexabuilders', () => {
  let cluster: Cluster
  let index: Awaited<ReturnType<typeof startIndexServer>>
  let port: number
  const running: Example[] = []
  let blue: Example
  let partners: Example
  let onboarding: Example
  let campaigns: Example

  beforeAll(async () => {
    cluster = await Cluster.create()
    await cluster.start()
    const setup = new pg.Client(cluster.url)
    await setup.connect()
    await setup.query('create database campaign_management')
    await setup.end()
    const environment = {
      HEXABUILDERS_URL: cluster.url,
      CAMPAIGN_MANAGEMENT_URL: cluster.url.replace('@/postgres?', '@/campaign_management?'),
    }
    port = await freePorts(1)
    index = await startIndexServer(port)
    const ELASTICSEARCH = `http://127.0.0.1:${port}`
    const start = async (name: string, more: Record<string, string> = {}) => {
      const example = await startExample([`examples/hexabuilders/${name}.ts`], {
        ...environment,
        ...more,
      })
      running.push(example)
      return example
    }
    blue = await start('monolith')
    // The tables are made by then, which the extraction reads.
    await vi.waitFor(
      async () =>
        expect(await read(`${blue.url}/commissions/${seeded}`)).toMatchObject({ centimos: 700 }),
      20_000,
    )
    await runExample(
      [
        'examples/extract.ts',
        '--from',
        'HEXABUILDERS_URL',
        '--to',
        'CAMPAIGN_MANAGEMENT_URL',
        '--tables',
        'campaigns,campaign_performance',
      ],
      environment,
    )
    onboarding = await start('onboarding')
    campaigns = await start('campaigns')
    const recruitment = await start('recruitment', { ELASTICSEARCH })
    partners = await start('partners', {
      CAMPAIGNS: campaigns.url,
      CONTRACTS: onboarding.url,
      JOBS: recruitment.url,
    })
  })
  afterAll(async () => {
    for (const { stop } of running) await stop()
    await index?.close()
    await cluster?.remove()
  })

  it('keeps the configuration as it stands, each time anew', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-env-'))
    const file = join(folder, 'service.env')
    const client = new pg.Client(cluster.url)
    await client.connect()
    try {
      for (const text of ['ENV=blue\n', "ENV=green\nOWNER='O''Neil'\n"]) {
        await writeFile(file, text)
        const told = await runExample(['examples/hexabuilders/keep-configuration.ts', file], {
          HEXABUILDERS_URL: cluster.url,
        })
        expect(told).toBe(`kept ${text.length} characters of the configuration`)
        const { rows } = await client.query('select name, text from kept_configuration')
        expect(rows).toEqual([{ name: '.env', text }])
      }
    } finally {
      await client.end()
      await rm(folder, { recursive: true })
    }
  })

  it('makes the indices once', async () => {
    const command = ['examples/hexabuilders/indices.ts', `http://127.0.0.1:${port}`]
    expect(await runExample(command, {})).toBe('candidates created, jobs created')
    expect(await runExample(command, {})).toBe('candidates was there, jobs was there')
  })

  it.each(['blue', 'green'])(
    'a registration by blue or green becomes a contract and a permission: %s',
    async (colour) => {
      const id = randomUUID()
      const by = colour === 'blue' ? blue : partners
      await write(`${by.url}/partners`, { id, nombre: 'New partner' })
      const contract = await vi.waitFor(async () => {
        const { contracts } = await read(`${onboarding.url}/contracts?partner=${id}`)
        expect(contracts).toHaveLength(1)
        return (contracts as { id: string }[])[0]?.id
      }, 60_000)
      for (const estado of ['PENDING_SIGNATURE', 'SIGNED']) {
        await write(`${onboarding.url}/contracts/${contract}`, { estado })
      }
      await vi.waitFor(
        async () =>
          expect(await read(`${campaigns.url}/permissions/${id}`)).toMatchObject({
            can_create_campaigns: true,
          }),
        10_000,
      )
    },
  )

  it('the profile asks the three other services', async () => {
    const path = `/partners/${seeded}/profile-360`
    const [old, now] = [await read(`${blue.url}${path}`), await read(`${partners.url}${path}`)]
    expect(now['partner']).toEqual(old['partner'])
    expect(now['campaigns']).toEqual(old['campaigns'])
    expect(await read(`${partners.url}/integrations`)).toMatchObject({ well: true })
  })

  it('a slow reader falls behind, and one more catches up', async () => {
    await write(`${onboarding.url}/faults`, { eventMs: 500 }, 'PUT')
    for (let n = 0; n < 6; n++) {
      await write(`${partners.url}/partners`, { nombre: `Late partner ${n}` })
    }
    const number = async (name: string) => {
      const text = await (await fetch(`${onboarding.url}/metrics`)).text()
      return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1])
    }
    await vi.waitFor(
      async () => expect(await number('event_lag_seconds')).toBeGreaterThan(0.5),
      10_000,
    )
    const told = await runExample(['examples/hexabuilders/scale-consumers.ts', onboarding.url], {})
    expect(told).toBe(`${onboarding.url}: 2 consumers`)
    expect(await number('event_consumers')).toBe(2)
    await write(`${onboarding.url}/faults`, {}, 'DELETE')
    await vi.waitFor(async () => expect(await number('event_lag_seconds')).toBe(0), 60_000)
  })
})

const seeded = '00000000-0000-4000-8000-000000000007'

async function read(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>
}

async function write(url: string, body: object, method = 'POST'): Promise<void> {
  const response = await fetch(url, { method, body: JSON.stringify(body) })
  expect(response.status, await response.text()).toBeLessThan(300)
}
