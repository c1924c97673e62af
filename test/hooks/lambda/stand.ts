import { DeleteParametersCommand } from '@aws-sdk/client-ssm'
import { callOf } from '../../../hooks/lambda/event.ts'
import { answer, openHook } from '../../../hooks/lambda/hook.ts'
import type { Charge } from '../../../hooks/world.ts'
import { alarmName } from '../../../platforms/aws/alarms.ts'
import { type Clients, clientsOf } from '../../../platforms/aws/clients.ts'
import { type AwsLayout, parameterNames } from '../../../platforms/aws/layout.ts'
import { AlbRouter } from '../../../platforms/aws/router.ts'
import { SsmStore } from '../../../platforms/aws/store.ts'
import { parametersUnder } from '../../../platforms/aws/versions.ts'
import { newJournal } from '../../../platforms/operations/entries.ts'
import type { AwsReference } from '../../../platforms/reference.ts'
import { clearLatch } from '../../../rollout/latch.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import type { PlanInput } from '../../../rollout/plan.ts'
import { split } from '../../../rollout/weights.ts'
import { type Account, createAccount, deployRollout } from '../../beds/aws/deploy.ts'
import { environmentOf } from '../../beds/aws/environment.ts'
import { alarmEvent, bridgeEvent } from '../../beds/aws/events.ts'
import { type Moto, startMoto } from '../../beds/aws/moto.ts'
import { freePorts } from '../../e2e/free-ports.ts'

export const SERVICE = 'shop'

/** How the function is called. */
export interface How {
  /** Until AWS would end it. */
  remainingMs?: number
  /** Seconds that stand for a minute of AWS: of what must not depend on how fast this machine is. */
  tick?: number
}

/** A rollout at 10 % on moto, and the function's own code to call; nothing runs by itself here. */
export interface HookStand {
  moto: Moto
  account: Account
  /** Where the targets of the groups are; nobody listens there. */
  ports: { blue: number; green: number }
  clients: Clients
  layout: AwsLayout
  store: SsmStore
  router: AlbRouter
  reference: AwsReference
  charge: Charge
  /** Calls the function's code as one invocation of its own. */
  call(event: unknown, how?: How): Promise<object>
  alarm(state?: 'ALARM' | 'OK', at?: Date): object
  /** The same change as EventBridge tells it. */
  bridged(state?: 'ALARM' | 'OK', at?: Date): object
  /** Latch and journal anew, green at this share. */
  reset(green: number): Promise<void>
  lose(what: 'latch' | 'journal'): Promise<void>
  close(): Promise<void>
}

/** @param more what the plan has beside what every test has */
export async function openStand(
  more: Partial<PlanInput> & { aws?: object } = {},
): Promise<HookStand> {
  const moto = await startMoto()
  const before = { ...process.env }
  Object.assign(process.env, environmentOf(moto.endpoint, 'bed'))
  const blue = await freePorts(2)
  const ports = { blue, green: blue + 1 }
  const account = await createAccount(ports)
  const { plan, planHash } = parsePlan({
    name: 'contract',
    services: {
      [SERVICE]: {
        blue: { targetGroupArn: account.groups.blue },
        green: { targetGroupArn: account.groups.green },
      },
    },
    steps: [10, 50, 100],
    guardrails: {
      errors: { metric: 'error-rate', above: '20%', then: 'rollback' },
      slow: { metric: 'p95', above: '500ms', then: 'hold' },
      odd: { metric: 'p99', above: '900ms', then: 'investigate' },
    },
    ...more,
    aws: { listener: account.listener, ...more.aws },
  })
  const reference: AwsReference = { kind: 'aws', name: 'contract', tick: 1 }
  const charge: Charge = { plan, planHash, clock: 1 }
  const layout = await deployRollout(reference, plan, account, 1)
  const clients = clientsOf(reference)
  const store = new SsmStore(clients.parameters, reference.name)
  const router = new AlbRouter(clients.balancer, layout)
  // Whose key a client has is settled by its first call.
  await Promise.all([store.readLatch(), router.read()])
  process.env['AWS_ACCESS_KEY_ID'] = 'hook'
  const change = (to: 'ALARM' | 'OK', at: Date) => ({
    alarm: {
      AlarmName: alarmName(reference.name, SERVICE, 'errors'),
      AlarmArn: 'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:of-the-bed',
    },
    from: to === 'ALARM' ? 'OK' : 'ALARM',
    to,
    reasonData: JSON.stringify({ recentDatapoints: [43.75, null] }),
    at,
  })
  const lose = async (what: 'latch' | 'journal') => {
    const path = parameterNames(reference.name)[what]
    const Names = (await parametersUnder(clients.parameters, path)).map(({ name }) => name)
    if (Names.length === 0) return
    await clients.parameters.send(new DeleteParametersCommand({ Names }))
  }
  return {
    ...{ moto, account, ports, clients, layout, store, router, reference, charge, lose },
    call: async (event, { remainingMs, tick = reference.tick } = {}) =>
      answer(await openHook({ ...reference, tick }, charge), callOf(event), remainingMs),
    alarm: (state = 'ALARM', at = new Date()) => alarmEvent(change(state, at)),
    bridged: (state = 'ALARM', at = new Date()) => bridgeEvent(change(state, at)),
    reset: async (green) => {
      await moto.setFaults([])
      await lose('latch')
      await lose('journal')
      await router.mark(false)
      await router.write({ [SERVICE]: split(green) })
      const request = { plan, planHash, position: 'start', attempt: 1, confirmed: [], clock: 1 }
      const journal = newJournal(request, new Date().toISOString())
      const position = green === 0 ? 'start' : `${SERVICE}@${green}`
      await store.writeJournal({
        ...journal,
        verified: { ...journal.verified, position },
        weights: { [SERVICE]: split(green) },
      })
      await store.writeLatch(clearLatch())
      await moto.forgetCalls()
    },
    close: async () => {
      await moto.stop()
      for (const key of Object.keys(environmentOf('', ''))) {
        if (before[key] === undefined) delete process.env[key]
        else process.env[key] = before[key]
      }
    },
  }
}
