import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateTargetGroupCommand,
  DescribeTargetGroupsCommand,
  ModifyRuleCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { expect, it } from 'vitest'
import { clientsOf } from '../../platforms/aws/clients.ts'
import { readLayout } from '../../platforms/aws/layout.ts'
import { AlbRouter } from '../../platforms/aws/router.ts'
import { waitingFile } from '../standins/aws-stand-in/held-writes.ts'
import type { AwsStack } from './aws-stack.ts'

const SERVICE = 'huntred'

/** A preview's rows that change something, by type. */
export function changedTypes(preview: string): string[] {
  return [...preview.matchAll(/^\s*(?:[~+-]|\+-) ([a-z]+:\S+):/gm)].map((match) => match[1] ?? '')
}

/**
 * What others do to the rule of a stack that stands at 5: another hand, and a rollback by the function
 * while an update is running. Ends latched by its first trip.
 */
export function otherHands(stackOf: () => AwsStack): void {
  it('refuses a rise after another hand has changed the weights, and names it as drift', async () => {
    const stack = stackOf()
    await giveGreen(50)
    const refused = await stack.set({ step: 'huntred@10' }).preview()
    expect(refused.code).not.toBe(0)
    expect(refused.output).toContain('live weights: were changed by another hand')
    expect(refused.output).toContain('green 5 → 50')
    expect(await stack.green()).toBe(50)
  })

  it('puts the weights back by an update of the position that stands', async () => {
    const stack = stackOf()
    const back = await stack.set({ step: 'huntred@5' }).up('--refresh')
    expect(back.output).not.toContain('error:')
    expect(await stack.green()).toBe(5)
    expect((await stack.latch()).latched).toBe(false)
  })

  it('is taken back when green has lost a function, also where the write of a running update lands after that', async () => {
    const stack = stackOf()
    const file = join(stack.folder, 'held')
    stack.environment({ SLUICE_STAND_IN_HOLD: file }).set({ step: 'huntred@10' })
    await stack.until('nothing to hold it', async () => {
      return (await stack.held('huntred@10')).length === 0
    })
    writeFileSync(file, '')
    const running = stack.startUp()
    let said = ''
    running.stdout?.on('data', (chunk) => {
      said += chunk
    })
    const ended = new Promise<number | null>((resolve) => running.once('close', resolve))
    await stack.until('the write to be decided', () => existsSync(waitingFile(file)))
    await stack.fault('green', { 'lost-authentication': 1 })
    await stack.until('the rollback by the function', async () => {
      return (await stack.latch()).latched && (await stack.green()) === 0
    })
    expect(running.exitCode).toBe(null)
    await stack.moto.forgetCalls()
    rmSync(file)
    expect(await ended).not.toBe(0)
    await stack.fault('green', undefined)
    await stack.until('blue to have everything', async () => (await stack.green()) === 0)
    // It did land, and after the function's own write; only then was it put back.
    const writes = (await stack.moto.calls()).filter(({ action }) => action === 'ModifyRule')
    expect(writes[0]?.key).toBe('deployer')
    expect(writes.length, said).toBeGreaterThan(1)
    expect(await stack.latch()).toMatchObject({
      latched: true,
      trips: 1,
      trip: { cause: 'lost-authentication', position: 'huntred@10', landing: 'start' },
    })
    rmSync(waitingFile(file))
    await stack.until('people to be told', () =>
      stack.told.some((one) => one.includes('ROLLED BACK')),
    )
  })

  it('is denied by AWS what stands stale in the state, where an update of the rule alone comes first', async () => {
    const stack = stackOf()
    await stack.attachPolicy()
    await stack.moto.forgetCalls()
    const first = await stack.up('--refresh', '--target', '**weights-huntred')
    expect(first.code).not.toBe(0)
    expect(first.output).toContain('AccessDenied')
    expect(first.output).toContain('elasticloadbalancing:ModifyRule')
    const writes = (await stack.moto.calls()).filter(({ action }) => action === 'ModifyRule')
    expect(writes.filter(({ key }) => key === 'deployer')).toEqual([])
    expect(await stack.green()).toBe(0)
    expect((await stack.latch()).latched).toBe(true)
  })

  it('brings the state to what is live, and fails, until the rollback is acknowledged', async () => {
    const stack = stackOf()
    const up = await stack.up()
    expect(up.code).not.toBe(0)
    expect(up.output).toContain('ROLLED BACK')
    await stack.until('blue to have everything', async () => (await stack.green()) === 0)
    expect((await stack.latch()).latched).toBe(true)
  })

  it('stays there after an update of the rule alone, from what is live', async () => {
    const stack = stackOf()
    const { output } = await stack.up('--refresh', '--target', '**weights-huntred')
    await stack.until('blue to have everything', async () => (await stack.green()) === 0)
    expect((await stack.latch()).latched, output).toBe(true)
  })

  it('stays there after an update with another target group, which AWS denies the rule', async () => {
    const stack = stackOf()
    const { plan } = stack
    const other = await copyOfGroup(stack.account.groups.green)
    await stack.writePlan({
      ...stack.input,
      services: {
        [SERVICE]: { ...stack.input.services[SERVICE], green: { targetGroupArn: other } },
      },
    } as typeof stack.input)
    expect(stack.plan).not.toEqual(plan)
    const up = await stack.up()
    expect(up.code).not.toBe(0)
    expect(up.output).toContain('AccessDenied')
    expect(await stack.green()).toBe(0)
    const layout = await readLayout(clientsOf({}).parameters, 'huntred')
    expect(layout?.services[SERVICE]?.green).toBe(other)
    await stack.writePlan(stack.input)
  })
}

/** What somebody does who knows of none of this: one ModifyRule. */
async function giveGreen(share: number): Promise<void> {
  const { balancer, parameters } = clientsOf({})
  const layout = await readLayout(parameters, 'huntred')
  if (!layout) throw new Error('no layout')
  const rule = (await new AlbRouter(balancer, layout).rules()).get(SERVICE)
  const actions = structuredClone(rule?.Actions) ?? []
  for (const group of actions[0]?.ForwardConfig?.TargetGroups ?? []) {
    const isGreen = group.TargetGroupArn === layout.services[SERVICE]?.green
    group.Weight = isGreen ? share : 100 - share
  }
  await balancer.send(new ModifyRuleCommand({ RuleArn: rule?.RuleArn, Actions: actions }))
}

/** A target group with the same target. */
async function copyOfGroup(arn: string): Promise<string> {
  const { balancer } = clientsOf({})
  const found = await balancer.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }))
  const { Port, VpcId, HealthCheckPath } = found.TargetGroups?.[0] ?? {}
  const { TargetGroups } = await balancer.send(
    new CreateTargetGroupCommand({
      ...{ Name: 'green-2', Protocol: 'HTTP', TargetType: 'ip', Port, VpcId, HealthCheckPath },
    }),
  )
  const made = TargetGroups?.[0]?.TargetGroupArn as string
  const Targets = [{ Id: '127.0.0.1', Port }]
  await balancer.send(new RegisterTargetsCommand({ TargetGroupArn: made, Targets }))
  return made
}
