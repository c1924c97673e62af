import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetMetricDataCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hookPolicy } from '../../../components/aws/policies.ts'
import { JudgingRecord } from '../../../hooks/lambda/judging.ts'
import { readVariables } from '../../../platforms/aws/secret.ts'
import type { Journal, Verdict } from '../../../rollout/journal.ts'
import { greenOf } from '../../../rollout/weights.ts'
import { scheduledEvent } from '../../beds/aws/events.ts'
import { type LambdaApi, startLambdaApi } from '../../beds/aws/lambda-api-harness.ts'
import { json, Site } from '../../site.ts'
import { type HookStand, type How, openStand, SERVICE } from './stand.ts'

/** Of a function that is ended within a second: what it takes to record is kept free. */
const SHORT_MS = 15_600

const folder = mkdtempSync(join(tmpdir(), 'sluice-judge-'))
const calls: unknown[] = []
let wrong = false
let api: LambdaApi
let stand: HookStand

/** The listener's address: one for both colours, which a header tells apart. */
let balancer: Site

beforeAll(async () => {
  balancer = await Site.open(({ headers }, response) => {
    json(response, { price: wrong && headers['x-sluice-access'] === 'green' ? 7 : 8 })
  })
  writeFileSync(join(folder, 'parity.http'), '### prices\nGET /price\n')
  api = await startLambdaApi((_name, event) => calls.push(event))
  process.env['AWS_ENDPOINT_URL_LAMBDA'] = api.endpoint
  const replay = join(folder, 'parity.http')
  stand = await openStand({
    bake: '1s',
    steps: [{ weight: 10, gates: ['parity', 'lag'] }, { weight: 50, gates: ['long'] }, 100],
    gates: {
      parity: { replay },
      long: { load: { times: 1, for: '10m' } },
      lag: { query: 'lag', below: 5 },
    },
    guardrails: {
      errors: { metric: 'error-rate', above: '20%', then: 'rollback' },
      lost: { gate: 'parity', every: '1h', then: 'rollback' },
    },
    aws: {
      address: balancer.url,
      metrics: { lag: { namespace: 'Shop', metric: 'Lag' } },
    },
  })
})
afterAll(async () => {
  await stand?.close()
  delete process.env['AWS_ENDPOINT_URL_LAMBDA']
  await api?.stop()
  await balancer?.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  wrong = false
  await stands(10)
  await forgetJudging()
  balancer.asked.length = 0
  calls.length = 0
})

/** Green at this share, and the bake over. */
async function stands(share: number): Promise<void> {
  await stand.reset(share)
  const journal = (await stand.store.readJournal()) as Journal
  const baselines = { [SERVICE]: { requests: 1_000, errors: 0, rate: 10 } }
  await stand.store.writeJournal({ ...journal, guardedMs: 10_000, baselines })
}

/** As if whoever judged last had been done long ago. */
async function forgetJudging(): Promise<void> {
  const record = new JudgingRecord(stand)
  const before = await record.read()
  if (before) await record.write({ ...before, state: 'done', guardrails: {} })
}

const reconcile = (how?: How) => stand.call(scheduledEvent('minute'), how)
const verdict = async (gate: string): Promise<Verdict | undefined> =>
  (await stand.store.readJournal())?.verdicts.findLast((one) => one.gate === gate)
const green = async () => greenOf(await stand.router.read(), SERVICE)

async function putLag(value: number): Promise<void> {
  const MetricData = [{ MetricName: 'Lag', Value: value, Timestamp: new Date() }]
  await stand.clients.metrics.send(new PutMetricDataCommand({ Namespace: 'Shop', MetricData }))
}

describe('the gates that are due', () => {
  it('are judged by one call of the function of its own, however often it is asked for', async () => {
    const minute = { tick: 60 }
    await Promise.all([reconcile(minute), reconcile(minute), reconcile(minute)])
    expect(calls).toHaveLength(1)
    await reconcile(minute)
    expect(calls).toHaveLength(1)
    await putLag(3)
    const [event] = calls
    const judging = () => stand.call(event, minute)
    const done = await Promise.all([judging(), judging(), judging()])
    expect(done.filter((one) => 'did' in one && one.did === 'judged')).toHaveLength(1)
    // As a gate and as a guardrail: each asks both colours, past the weights, once.
    const colours = balancer.asked.map(({ headers, url }) => `${headers['x-sluice-access']} ${url}`)
    expect(colours.toSorted()).toEqual([
      ...['blue /price', 'blue /price', 'green /price', 'green /price'],
    ])
    expect(await verdict('parity')).toMatchObject({ result: 'passed', position: 'shop@10' })
    expect(await verdict('lag')).toMatchObject({
      result: 'passed',
      reason: 'the query gave 3, below 5',
    })
    expect(await judging()).toMatchObject({ did: 'nothing' })
    await reconcile(minute)
    expect(calls).toHaveLength(1)
  })

  it('are inconclusive where the function ended with no word, and asked for again', async () => {
    await reconcile()
    const record = new JudgingRecord(stand)
    const before = await record.read()
    const until = new Date(Date.now() - 1).toISOString()
    await record.write({ ...(before as NonNullable<typeof before>), state: 'begun', until })
    const journal = (await stand.store.readJournal()) as Journal
    await stand.store.writeJournal({
      ...journal,
      verdicts: [
        {
          ...{ gate: 'parity', position: 'shop@10', attempt: 1, result: 'running', reason: '-' },
          ...{ planHash: stand.charge.planHash, at: new Date().toISOString() },
        },
      ],
    })
    await reconcile()
    expect(await verdict('parity')).toMatchObject({
      result: 'inconclusive',
      reason: 'the function ended before it was judged',
    })
    expect(calls).toHaveLength(2)
  })

  it('are cut off at the time limit of the function, which is no pass', async () => {
    await stands(50)
    await reconcile()
    await stand.call(calls[0], { remainingMs: SHORT_MS })
    expect(await verdict('long')).toMatchObject({
      result: 'inconclusive',
      reason: expect.stringContaining('cut off'),
    })
  })

  it('hold where no metric has had a value', async () => {
    // The minutes that count are seconds here: what other tests put is past.
    await expect
      .poll(
        async () => {
          await forgetJudging()
          await stands(10)
          calls.length = 0
          await reconcile()
          await stand.call(calls[0])
          return (await verdict('lag'))?.reason
        },
        { timeout: 60_000 },
      )
      .toContain('no data: Shop Lag')
    expect((await verdict('lag'))?.result).toBe('inconclusive')
  })
})

describe('a guardrail that is a gate', () => {
  const toldOf = async () => {
    const { MetricDataResults = [] } = await stand.clients.metrics.send(
      new GetMetricDataCommand({
        StartTime: new Date(Date.now() - 60_000),
        EndTime: new Date(Date.now() + 60_000),
        MetricDataQueries: [
          {
            Id: 'm',
            MetricStat: {
              Stat: 'Maximum',
              Period: 120,
              Metric: {
                Namespace: 'Sluice',
                MetricName: 'Gate lost',
                Dimensions: [
                  { Name: 'Rollout', Value: 'contract' },
                  { Name: 'Service', Value: SERVICE },
                ],
              },
            },
          },
        ],
      }),
    )
    return Math.max(0, ...(MetricDataResults[0]?.Values ?? []))
  }

  it('takes green back at once, and puts that it failed for its alarm', async () => {
    expect(await toldOf()).toBe(0)
    wrong = true
    await reconcile()
    await stand.call(calls[0])
    expect(await green()).toBe(0)
    expect(await stand.store.readLatch()).toMatchObject({
      latched: true,
      trip: { cause: 'lost', threshold: 'gate parity passes', landing: 'start' },
    })
    expect(await toldOf()).toBe(1)
  })

  it('is not judged where green has no traffic', async () => {
    await stands(0)
    await reconcile()
    expect(calls).toEqual([])
  })
})

describe('the variables', () => {
  const secretOf = async (Name: string, SecretString: string) => {
    const made = await stand.clients.secrets.send(new CreateSecretCommand({ Name, SecretString }))
    return made.ARN as string
  }

  it('are the keys of the secret', async () => {
    const arn = await secretOf('shop', '{"ORDERS_URL":"postgres://u:geheim@db/orders"}')
    expect(await readVariables(stand.clients, arn)).toEqual({
      ORDERS_URL: 'postgres://u:geheim@db/orders',
    })
  })

  it('are named and not shown where the secret holds something else', async () => {
    const arn = await secretOf('plain', 'geheim')
    const error = await readVariables(stand.clients, arn).catch((thrown: Error) => thrown)
    expect(String(error)).toContain('holds no JSON object of texts')
    expect(String(error)).not.toContain('geheim')
  })
})

describe('the rights of the function', () => {
  it('cover every call that judging makes', async () => {
    await stand.moto.forgetCalls()
    await reconcile()
    await stand.call(calls[0])
    const made = (await stand.moto.calls()).filter(({ key }) => key === 'hook')
    const actions = made.map(({ service, action }) =>
      `${service}:${action}`.replace('monitoring:', 'cloudwatch:'),
    )
    const { rollout, listeners } = { rollout: 'contract', listeners: [stand.account.listener] }
    const policy = hookPolicy({
      ...{ rollout, listeners, topic: stand.account.topic, function: 'hook', deadLetters: '-' },
    })
    const allowed = new Set(policy.Statement.flatMap(({ Action }) => Action))
    expect(actions.length).toBeGreaterThan(5)
    expect([...new Set(actions)].filter((action) => !allowed.has(action))).toEqual([])
    expect(allowed).toContain('lambda:InvokeFunction')
  })
})
