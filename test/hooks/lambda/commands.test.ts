import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutParameterCommand } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hookPolicy } from '../../../components/aws/policies.ts'
import { runnerStatements } from '../../../components/aws/policies-of-tasks.ts'
import { parameterNames } from '../../../platforms/aws/layout.ts'
import type { OperationRecord } from '../../../rollout/journal.ts'
import { createRunner, createTaskPlace } from '../../beds/aws/cluster.ts'
import { EcsHarness } from '../../beds/aws/ecs-harness.ts'
import { alarmEvent, scheduledEvent } from '../../beds/aws/events.ts'
import { type HookStand, openStand, SERVICE } from './stand.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-commands-'))
/** A command that appends what it was given to a file, and ends with a code. */
const says = (file: string, code: number, what: string) => [
  'node',
  '-e',
  `require('node:fs').appendFileSync(${JSON.stringify(join(folder, file))}, ${what} + '\\n'); process.exit(${code})`,
]
const said = (file: string) => readFileSync(join(folder, file), 'utf8').trim().split('\n')

let stand: HookStand
let ecs: EcsHarness

beforeAll(async () => {
  stand = await openStand({
    runner: { image: 'shop-tools' },
    operations: {
      indices: {
        run: says('indices', 0, '[process.env.URL, process.env.MODE, process.env.SLUICE_POSITION]'),
        at: 'before-first-step',
        environment: { URL: 'env:ORDERS_URL', MODE: 'build' },
      },
      cache: { run: says('cache', 3, "'cache'"), at: 'after-step' },
      undo: { run: says('undo', 0, 'process.env.SLUICE_POSITION'), at: 'on-rollback' },
      slow: {
        run: ['node', '-e', 'setTimeout(() => {}, 60000)'],
        at: 'on-rollback',
        timeout: '1s',
      },
    },
    gates: {
      suite: { run: says('suite', 0, 'process.env.SLUICE_FLAG_NEW'), flags: ['new'] },
      broken: { run: says('broken', 7, "'broken'") },
      last: { run: says('last', 1, "'last'"), otherwise: 'rollback' },
    },
    steps: [{ weight: 10, gates: ['last'] }, 50, 100],
    flags: { new: {} },
    start: { gates: ['suite', 'broken'] },
    guardrails: {
      errors: { metric: 'error-rate', above: '20%', then: 'rollback' },
      lag: {
        metric: 'p95',
        above: '500ms',
        then: { run: says('lag', 0, '[process.env.SLUICE_GUARDRAIL, process.env.SLUICE_SERVICE]') },
      },
    },
  })
  const place = await createTaskPlace({ ORDERS_URL: 'postgres://orders' })
  const runner = await createRunner(place, { ORDERS_URL: 'ORDERS_URL', URL: 'ORDERS_URL' })
  await stand.clients.parameters.send(
    new PutParameterCommand({
      Name: parameterNames('contract').layout,
      Value: JSON.stringify({ ...stand.layout, runner }),
      Type: 'String',
      Overwrite: true,
    }),
  )
  ecs = new EcsHarness({ endpoint: stand.moto.endpoint, images: {}, cwd: folder })
  ecs.start()
})
afterAll(async () => {
  await ecs?.stop()
  await stand?.close()
  rmSync(folder, { recursive: true, force: true })
})

const minute = () => stand.call(scheduledEvent('minute'))
const journal = async () => {
  const found = await stand.store.readJournal()
  if (!found) throw new Error('no journal')
  return found
}
const operation = async (name: string): Promise<OperationRecord | undefined> =>
  (await journal()).operations?.find((one) => one.operation === name)
const verdict = async (name: string) => (await journal()).verdicts.find((one) => one.gate === name)

/** Calls the function as the schedule does, until something is so. */
async function minutesUntil(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (const limit = Date.now() + 60_000; Date.now() < limit; ) {
    await minute()
    if (await ask()) return
  }
  throw new Error(`in vain: ${what}; ${ecs.problems.slice(-3).join('; ')}`)
}

describe('an operation of the plan, as a task', () => {
  beforeEach(() => stand.reset(0))

  it('is begun by the first call, waited for by none, and its end is recorded', async () => {
    await minute()
    expect(await operation('indices')).toMatchObject({ result: 'running', position: 'start' })
    await minutesUntil('its end', async () => (await operation('indices'))?.result === 'done')
    expect((await operation('indices'))?.reason).toContain('exit code 0; its words: aws logs tail')
    // The secret is the task's own; nothing of it stands in the journal.
    expect(said('indices')).toEqual(['postgres://orders,build,start'])
    expect(JSON.stringify(await journal())).not.toContain('postgres://orders')
  })

  it('is begun once by twenty calls at the same time', async () => {
    const before = ecs.started.length
    await Promise.all(Array.from({ length: 20 }, () => minute()))
    await minutesUntil('its end', async () => (await operation('indices'))?.result === 'done')
    const again = ecs.started.slice(before).filter(({ command }) => command[2]?.includes('indices'))
    expect(again).toHaveLength(1)
  })

  it('has failed where ECS does not start it, with the reason, and is tried again', async () => {
    await stand.moto.setFaults([
      { service: 'ecs', action: 'RunTask', code: 'ClientException', status: 400 },
    ])
    await minute()
    expect(await operation('indices')).toMatchObject({ result: 'failed' })
    expect((await operation('indices'))?.reason).toContain('ecs:RunTask')
    await stand.moto.setFaults([])
    await minutesUntil('another try', async () => (await operation('indices'))?.result === 'done')
  })
})

describe('an operation that comes to no good end', () => {
  beforeEach(() => stand.reset(10))

  it('has failed by its exit code, and holds what comes next', async () => {
    await minutesUntil('its end', async () => (await operation('cache'))?.result === 'failed')
    expect((await operation('cache'))?.reason).toContain('exit code 3')
  })

  it('is told of the position that was rolled back from, also where another one stands by now', async () => {
    await stand.call(stand.alarm())
    const { verified, ...rest } = await journal()
    await stand.store.writeJournal({ ...rest, verified: { ...verified, position: 'start' } })
    await minutesUntil('its end', async () => (await operation('undo'))?.result === 'done')
    expect(said('undo')).toEqual(['shop@10'])
  })

  it('is ended after its time', async () => {
    await stand.call(stand.alarm())
    await minutesUntil('its end', async () => (await operation('slow'))?.result === 'failed')
    expect((await operation('slow'))?.reason).toContain('ended after 1s')
  })
})

describe('a gate that is a command', () => {
  beforeEach(() => stand.reset(0))

  it('passes by the exit codes of its runs, one for each state of its flags', async () => {
    await minutesUntil('its verdict', async () => (await verdict('suite'))?.result === 'passed')
    expect(said('suite').slice(-2).toSorted()).toEqual(['false', 'true'])
    expect((await verdict('suite'))?.reason).toBe('passed with new off, with new on')
  })

  it('fails by an exit code, and is judged anew', async () => {
    await minutesUntil('its verdict', async () => (await verdict('broken'))?.result === 'failed')
    expect((await verdict('broken'))?.reason).toContain('exit code 7')
    await minutesUntil('another run', async () => said('broken').length > 1)
  })
})

describe('a gate that is a command, and takes green back', () => {
  it('has the rule marked by the very call that does so', async () => {
    await stand.reset(10)
    await stand.store.writeJournal({ ...(await journal()), guardedMs: 1e12 })
    await minutesUntil(
      'the rollback',
      async () => (await stand.store.readLatch())?.latched === true,
    )
    expect(await stand.router.marked()).toEqual(new Set([SERVICE]))
  })
})

describe('a guardrail that runs a command', () => {
  beforeEach(() => stand.reset(10))

  it('runs it once for an alarm that is told of twenty times', async () => {
    const at = new Date()
    const alarm = {
      AlarmName: `sluice/contract/${SERVICE}/lag`,
      AlarmArn: 'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:of-the-bed',
    }
    const event = alarmEvent({ alarm, from: 'OK', to: 'ALARM', at, reasonData: '{}' })
    await Promise.all(Array.from({ length: 20 }, () => stand.call(event)))
    await minutesUntil('its end', async () =>
      (await stand.store.readEvents(40)).some(({ message }) =>
        message.startsWith('the command of guardrail lag on shop since'),
      ),
    )
    expect(said('lag')).toEqual(['lag,shop'])
    await stand.call(event)
    await minute()
    expect(said('lag')).toEqual(['lag,shop'])
  })
})

describe('the rights of the function', () => {
  it('allow each call that it makes for commands', async () => {
    const calls = (await stand.moto.calls()).filter(({ key }) => key === 'hook')
    const made = new Set(
      calls.filter(({ service }) => service === 'ecs').map(({ action }) => `ecs:${action}`),
    )
    const { listener } = stand.account
    const own = { rollout: 'contract', listeners: [listener], topic: '', deadLetters: '' }
    const allowed = [
      ...hookPolicy({ ...own, function: 'sluice-contract-hook' }).Statement,
      ...runnerStatements({ cluster: 'arn:aws:ecs:a:1:cluster/c', family: 'f', roles: ['r'] }),
    ].flatMap(({ Action }) => Action)
    expect(made.size).toBeGreaterThan(1)
    expect([...made].filter((action) => !allowed.includes(action))).toEqual([])
  })
})
