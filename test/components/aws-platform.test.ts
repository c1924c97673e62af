import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { declareOnAws } from '../../components/aws/platform.ts'
import { deployerPolicy } from '../../components/aws/policies.ts'
import type { DeclaredPlatform } from '../../components/platforms.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'

const at = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:123456789012:${rest}`
const listener = at('elasticloadbalancing', 'listener/app/shop/a/b')
const group = (name: string) => at('elasticloadbalancing', `targetgroup/${name}/1`)
const { plan, planHash } = parsePlan({
  name: 'shop',
  services: {
    shop: {
      blue: { targetGroupArn: group('blue') },
      green: { targetGroupArn: group('green') },
    },
  },
  steps: [10, 100],
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
  notify: { pager: { webhook: 'env:PAGER_URL' } },
  aws: { listener, secret: at('secretsmanager', 'secret:shop-AbCdEf') },
})

/** Inputs by type and name, as the program gives them to the engine. */
const declared = new Map<string, Record<string, unknown>>()
const folder = mkdtempSync(join(tmpdir(), 'sluice-components-'))
let platform: DeclaredPlatform

beforeAll(async () => {
  pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      declared.set(`${type.split(':').at(-1)} ${name}`, inputs)
      return { id: name, state: { ...inputs, arn: `arn of ${name}`, name: inputs.name ?? name } }
    },
    call: () => ({}),
  })
  platform = declareOnAws(
    'platform',
    {
      platform: { kind: 'aws', name: 'shop' },
      ...{ plan, planHash, position: 'start', attempt: 1, confirmed: [], clock: 1 },
      ...{ folder, keepBlue: true },
    },
    {},
  )
  const awaited = [
    'Parameter layout',
    'MetricAlarm alarm-heartbeat',
    'MetricAlarm alarm-shop-errors',
  ]
  const all = () => expect([...declared.keys()]).toEqual(expect.arrayContaining(awaited))
  await vi.waitFor(all, { timeout: 60_000 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settled = <T>(output: pulumi.Output<T> | undefined) =>
  new Promise<T>((resolve) => output?.apply(resolve))

describe('what is declared on AWS', () => {
  it('gives the stack the topic that the heartbeat alarm tells, for a pager to subscribe to', async () => {
    expect(await settled(platform.outputs?.topic)).toBe('arn of news')
    expect(declared.get('MetricAlarm alarm-heartbeat')).toMatchObject({
      alarmActions: ['arn of news'],
      treatMissingData: 'breaching',
    })
  })

  it('gives the stack the policy of the deployer, to be attached', async () => {
    const document = JSON.parse(await settled(platform.outputs?.deployerPolicy))
    expect(document).toEqual(deployerPolicy([listener]))
  })

  it('says of which priority the rule is that splits, so that it is known by it', () => {
    // The provider's SDK takes every parameter's value for a secret.
    const kept = declared.get('Parameter layout')?.['value'] as { value: string } | undefined
    expect(JSON.parse(kept?.value ?? '').services.shop).toMatchObject({ listener, priority: 102 })
    expect(declared.get('ListenerRule shop-test')).toMatchObject({ priority: 100 })
  })

  it('lets the alarms of the rollout call the function, of this account alone', () => {
    expect(declared.get('Permission called-by-alarms')).toMatchObject({
      principal: 'lambda.alarms.cloudwatch.amazonaws.com',
      sourceAccount: '123456789012',
      sourceArn: at('cloudwatch', 'alarm:sluice/shop/*'),
    })
    expect(declared.get('MetricAlarm alarm-shop-errors')).toMatchObject({
      name: 'sluice/shop/shop/errors',
      alarmActions: ['arn of hook-function'],
    })
  })

  it('keeps in a queue what the function could not do', () => {
    expect(declared.get('FunctionEventInvokeConfig hook-retries')).toMatchObject({
      maximumRetryAttempts: 2,
      destinationConfig: { onFailure: { destination: 'arn of failed' } },
    })
  })
})
