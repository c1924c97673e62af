import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ModifyRuleCommand } from '@aws-sdk/client-elastic-load-balancing-v2'
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { takeSnapshot } from '../../../platforms/aws/snapshots.ts'
import { SsmStore } from '../../../platforms/aws/store.ts'
import { LongTexts } from '../../../platforms/aws/texts.ts'
import { parametersUnder, VersionedParameter } from '../../../platforms/aws/versions.ts'
import { Conflict } from '../../../platforms/store.ts'
import type { Journal } from '../../../rollout/journal.ts'
import { clearLatch } from '../../../rollout/latch.ts'
import { split } from '../../../rollout/weights.ts'
import { checkout } from '../../../tools/checkout.ts'
import { stateOf } from '../../beds/aws/alarm-math.ts'
import { BalancerHarness } from '../../beds/aws/balancer-harness.ts'
import { type HookStand, openStand, SERVICE } from '../../hooks/lambda/stand.ts'

// Each trap with the protection taken away, and then with it.

let stand: HookStand

beforeAll(async () => {
  stand = await openStand()
  await stand.reset(10)
})
afterAll(() => stand?.close())

describe('the Parameter Store', () => {
  const path = '/sluice/trap/value'

  it('lets the last writer win without a word, where a name is overwritten', async () => {
    const put = (Value: string) =>
      stand.clients.parameters.send(
        new PutParameterCommand({ Name: `${path}-plain`, Value, Type: 'String', Overwrite: true }),
      )
    await put('as both have read it')
    await Promise.all([put('one'), put('two')])
    const { Parameter } = await stand.clients.parameters.send(
      new GetParameterCommand({ Name: `${path}-plain` }),
    )
    expect(['one', 'two']).toContain(Parameter?.Value)
  })

  it('has one winner of twenty, where each version is a name of its own', async () => {
    const value = () => new VersionedParameter(stand.clients.parameters, path)
    expect(await value().write('first', 0)).toBe(true)
    const { version } = (await value().read()) ?? { version: 0 }
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, n) => value().write(`writer ${n}`, version)),
    )
    expect(won.filter((one) => one)).toHaveLength(1)
    expect((await value().read())?.text).toBe(`writer ${won.indexOf(true)}`)
  })

  it('finds the newest of more versions than a page holds, and prunes the others', async () => {
    const value = new VersionedParameter(stand.clients.parameters, `${path}-many`)
    for (let version = 0; version < 23; version++) await value.write(`${version}`, version)
    expect(await value.read()).toMatchObject({ text: '22', version: 23 })
    for (let again = 0; again < 3; again++) await value.prune()
    expect(await value.read()).toMatchObject({ text: '22', version: 23 })
    expect(await value.write('next', 23)).toBe(true)
  })

  it('keeps what is longer than a parameter may be, in parts', async () => {
    const texts = new LongTexts(stand.clients.parameters, '/sluice/trap/texts')
    const noise = Array.from({ length: 3_000 }, (_, n) => `${(n * 2_654_435_761) % 4_294_967_296}`)
    for (const text of ['short', '@odd', 'x'.repeat(20_000), noise.join(' ')]) {
      const kept = await texts.write(text)
      expect(kept.length).toBeLessThanOrEqual(4_096)
      expect(await texts.read(kept)).toBe(text)
    }
  })

  it('costs as much in the twentieth write of a long journal as in the third, and leaves no more behind', async () => {
    const write = async () => {
      const read = newest(await stand.store.readJournal())
      await stand.moto.forgetCalls()
      await stand.store.writeJournal({ ...read, flags: manyFlags() }, read)
      return (await stand.moto.calls()).length
    }
    const left = () => parametersUnder(stand.clients.parameters, '/sluice/contract/texts')
    const calls: number[] = []
    const parts: number[] = []
    for (let n = 0; n < 20; n++) {
      calls.push(await write())
      parts.push((await left()).length)
    }
    expect(parts[0]).toBeGreaterThan(0)
    // The first write of a plan and of a version to drop are behind by now.
    expect(Math.max(...calls.slice(5))).toBeLessThanOrEqual(Math.max(...calls.slice(2, 5)) + 1)
    expect(Math.max(...parts.slice(5))).toBeLessThanOrEqual(Math.max(...parts.slice(2, 5)) + 1)
    const read = await stand.store.readJournal()
    await expect(
      stand.store.writeJournal({ ...newest(read), flags: manyFlags() }, 'missing'),
    ).rejects.toThrow(Conflict)
    // What a writer that was too late had put there is gone, too.
    expect((await left()).length).toBeLessThanOrEqual(Math.max(...parts))
  })

  it('gives the newest journal to a reader whose own was replaced meanwhile', async () => {
    const slow = new SsmStore(stand.clients.parameters, 'contract')
    const flags = manyFlags()
    await stand.store.writeJournal({ ...newest(await stand.store.readJournal()), flags })
    // Between its two calls the reader is overtaken by more writes than are kept.
    const texts = vi.spyOn(LongTexts.prototype, 'read').mockImplementationOnce(async (kept) => {
      for (let n = 0; n < 5; n++) {
        const read = newest(await stand.store.readJournal())
        await stand.store.writeJournal({ ...read, flags: { ...flags, last: n === 4 } })
      }
      return new LongTexts(stand.clients.parameters, '/sluice/contract/texts').read(kept)
    })
    expect((await slow.readJournal())?.flags?.['last']).toBe(true)
    texts.mockRestore()
    await stand.reset(10)
  })

  it('refuses a latch over one that another process has written since', async () => {
    const read = await stand.store.readLatch()
    await stand.store.writeLatch({ ...clearLatch(), trips: 7 })
    await expect(stand.store.writeLatch(clearLatch(), read)).rejects.toThrow(Conflict)
    await expect(stand.store.writeLatch(clearLatch(), 'missing')).rejects.toThrow(Conflict)
    expect((await stand.store.readLatch())?.trips).toBe(7)
  })
})

/** More than a parameter holds, however it is compressed. */
function manyFlags(): Record<string, boolean> {
  return Object.fromEntries(
    Array.from({ length: 200 }, () => [randomBytes(16).toString('hex'), true]),
  )
}

function newest(journal: Journal | undefined): Journal {
  if (!journal) throw new Error('no journal')
  return journal
}

describe('an alarm of one period of one', () => {
  it('stays OK for good where the newest period is always late, and one of two does not', () => {
    const judge = (n: number) => ({
      comparison: 'GreaterThanThreshold',
      threshold: 5,
      evaluationPeriods: n,
      datapointsToAlarm: 1,
      treatMissingData: 'notBreaching',
    })
    // FILL makes a 0 of the errors that have not come yet; the period before has them by now.
    const newestFirst = [0, 60, 60, 60]
    expect(stateOf(judge(1), newestFirst, 'OK')).toBe('OK')
    expect(stateOf(judge(2), newestFirst, 'OK')).toBe('ALARM')
  })

  it('is frozen by ignore where traffic has stopped', () => {
    const judge = {
      comparison: 'GreaterThanThreshold',
      ...{ threshold: 5, evaluationPeriods: 2, datapointsToAlarm: 1 },
    }
    expect(stateOf({ ...judge, treatMissingData: 'ignore' }, [], 'ALARM')).toBe('ALARM')
    expect(stateOf({ ...judge, treatMissingData: 'notBreaching' }, [], 'ALARM')).toBe('OK')
  })
})

describe('a listener rule', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-trap-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** One ModifyRule as somebody writes it who knows of none of this. */
  const plain = async (green: number, sticky: boolean) => {
    const { RuleArn, Actions } = (await stand.router.rules()).get(SERVICE) ?? {}
    const actions = structuredClone(Actions) ?? []
    const forward = actions[0]?.ForwardConfig
    for (const group of forward?.TargetGroups ?? []) {
      group.Weight = group.TargetGroupArn === stand.account.groups.green ? green : 100 - green
    }
    if (forward) {
      forward.TargetGroupStickinessConfig = { Enabled: sticky, DurationSeconds: 3_600 }
    }
    await stand.clients.balancer.send(new ModifyRuleCommand({ RuleArn, Actions: actions }))
  }

  it('keeps sending a user with its cookie to green at weight 0, unless it is switched off', async () => {
    const colours = Object.entries(stand.ports).map(([COLOUR, port]) =>
      spawn(process.execPath, [join(checkout, 'test/contracts/colour.ts')], {
        env: { ...process.env, PORT: `${port}`, COLOUR, FAULT: join(folder, 'none') },
        stdio: 'ignore',
      }),
    )
    const { balancer } = stand.clients
    const harness = new BalancerHarness(balancer, stand.account.listener, folder, () => {})
    try {
      await plain(0, true)
      await harness.start()
      const ask = async (index: number) => {
        const headers = { cookie: `AWSALBTG=tg${index}`, connection: 'close' }
        const answer = await fetch(harness.url, { headers }).catch(() => undefined)
        return answer?.headers.get('x-colour')
      }
      const both = async () => [await ask(0), await ask(1), await ask(2)]
      await expect.poll(both, { timeout: 60_000 }).toContain('green')
      await stand.moto.forgetCalls()
      await stand.router.write({ [SERVICE]: split(0) })
      // moto takes stickiness that a write does not speak of for off, so the write itself is looked at.
      const write = (await stand.moto.calls()).find(({ action }) => action === 'ModifyRule')
      const said = 'Actions.member.1.ForwardConfig.TargetGroupStickinessConfig.Enabled'
      expect(write?.asked[said]).toBe('false')
      await expect.poll(both, { timeout: 60_000 }).not.toContain('green')
      expect(await both()).toContain('blue')
    } finally {
      await harness.stop()
      await Promise.all(
        colours.map((child) => {
          const ended = once(child, 'exit')
          child.kill()
          return ended
        }),
      )
    }
  })

  it('takes whichever write lands last; the router writes again until it stays', async () => {
    await plain(0, false)
    await plain(50, false)
    expect((await stand.router.read())[SERVICE]?.green).toBe(50)
    const working = stand.router.write({ [SERVICE]: split(0) })
    await expect
      .poll(async () => (await stand.router.read())[SERVICE]?.green, { interval: 10 })
      .toBe(0)
    await plain(50, false)
    await working
    expect((await stand.router.read())[SERVICE]?.green).toBe(0)
  })

  it('is never raised by a write that settles while a rollback takes it down', async () => {
    await plain(10, false)
    const rising = stand.router.write({ [SERVICE]: split(50) })
    await expect
      .poll(async () => (await stand.router.read())[SERVICE]?.green, { interval: 10 })
      .toBe(50)
    await plain(0, false)
    await rising
    expect((await stand.router.read())[SERVICE]?.green).toBe(0)
  })
})

describe('a snapshot', () => {
  const parts = () => ({ rds: stand.clients.databases, rollout: 'trap', pollMs: 50 })

  it('is recorded when it is available, and an instance restored from it has come up', async () => {
    const said: string[] = []
    const record = await takeSnapshot(
      parts(),
      'orders',
      { verify: 'restore', tables: undefined },
      stand.account.database,
      (line) => said.push(line),
    )
    expect(record).toMatchObject({ name: 'orders', tables: {} })
    expect(record.location).toMatch(/^arn:aws:rds:/)
    expect(said.join('\n')).toContain('the scratch instance is available')
  })

  it('of an instance that is not there is refused with the call that said so', async () => {
    const taking = takeSnapshot(
      parts(),
      'orders',
      { verify: 'list', tables: undefined },
      'no',
      () => {},
    )
    await expect(taking).rejects.toThrow(/rds:CreateDBSnapshot no failed: DBInstanceNotFound/)
  })
})
