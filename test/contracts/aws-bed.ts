import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DescribeDBInstancesCommand } from '@aws-sdk/client-rds'
import { DeleteParametersCommand } from '@aws-sdk/client-ssm'
import { hookCode } from '../../components/aws/hook-code.ts'
import { AwsPlatform } from '../../platforms/aws/client.ts'
import { clientsOf } from '../../platforms/aws/clients.ts'
import { parameterNames, readLayout } from '../../platforms/aws/layout.ts'
import { AlbRouter } from '../../platforms/aws/router.ts'
import { parametersUnder } from '../../platforms/aws/versions.ts'
import type { AwsReference } from '../../platforms/reference.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { checkout } from '../../tools/checkout.ts'
import { AccountHarness } from '../beds/aws/account-harness.ts'
import { createAccount, deployRollout } from '../beds/aws/deploy.ts'
import { environmentOf } from '../beds/aws/environment.ts'
import { startMoto } from '../beds/aws/moto.ts'
import { freePorts } from '../e2e/free-ports.ts'
import { BACKUP, type Bed, contractPlan, SERVICE } from './contract.ts'
import { send } from './send.ts'

const CLOCK = 60
/** Seconds that stand for a minute of AWS: no shorter, as a busy machine is no dead hook. */
const TICK = 5

/** The platform on AWS' APIs as moto serves them, with the bed's harness for what moto lacks. */
export async function openAwsBed(): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-contract-aws-'))
  const moto = await startMoto()
  const before = { ...process.env }
  Object.assign(process.env, environmentOf(moto.endpoint, 'deployer'))
  const colours: ChildProcess[] = []
  let harness: AccountHarness | undefined
  const teardown = async () => {
    await harness?.stop()
    await Promise.all(colours.map(end))
    await moto.stop()
    for (const key of Object.keys(environmentOf('', ''))) {
      if (before[key] === undefined) delete process.env[key]
      else process.env[key] = before[key]
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const port = await freePorts(2)
    const fault = join(folder, 'fault-green')
    for (const [index, colour] of ['blue', 'green'].entries()) {
      colours.push(startColour(colour, port + index, join(folder, `fault-${colour}`)))
    }
    const account = await createAccount({ blue: port, green: port + 1 })
    const { plan, planHash } = parsePlan({
      ...contractPlan,
      services: {
        [SERVICE]: {
          blue: { targetGroupArn: account.groups.blue },
          green: { targetGroupArn: account.groups.green },
        },
      },
      aws: { listener: account.listener, databases: { [BACKUP]: account.database } },
    })
    const reference: AwsReference = { kind: 'aws', name: plan.name, tick: TICK }
    const charge = { plan, planHash, clock: CLOCK }
    const code = join(folder, 'code')
    mkdirSync(join(code, account.function), { recursive: true })
    for (const [name, text] of Object.entries(await hookCode(reference, charge, checkout))) {
      writeFileSync(join(code, account.function, name), text)
    }
    await deployRollout(reference, plan, account, CLOCK)
    harness = new AccountHarness({
      listener: account.listener,
      folder,
      lambda: { code, environment: environmentOf(moto.endpoint, 'hook') },
    })
    await harness.start()
    const platform = new AwsPlatform(reference)
    const alive = async () => (await platform.observe()).guard.alive
    await until('the hook to be heard of', alive)

    const clients = clientsOf(reference)
    const layout = await readLayout(clients.parameters, reference.name)
    if (!layout) throw new Error('no layout')
    const away = (service: string, isBack: () => Promise<unknown>) => ({
      take: () => moto.setFaults([{ service, code: 'ServiceUnavailable', status: 503 }]),
      giveBack: async () => {
        await moto.setFaults([])
        await until(`${service} to answer again`, () =>
          isBack().then(
            () => true,
            () => false,
          ),
        )
      },
    })
    const { lambda, url } = harness
    return {
      platform,
      plan,
      planHash,
      clock: CLOCK,
      traffic: (count) => send(`${url}/`, count),
      breakGreen: () => writeFile(fault, ''),
      mendGreen: () => rm(fault),
      counted: () => harness?.counted() ?? Promise.resolve(),
      meddle: async (weights) => {
        await new AlbRouter(clients.balancer, layout).write(weights)
      },
      // Between two calls: what one of them had read, it would write again.
      lose: (what) =>
        lambda.without(async () => {
          const path = parameterNames(reference.name)[what]
          const found = await parametersUnder(clients.parameters, path)
          const Names = found.map(({ name }) => name)
          await clients.parameters.send(new DeleteParametersCommand({ Names }))
        }),
      measuresUnguarded: true,
      faults: {
        guard: {
          take: async () => {
            lambda.disabled = true
            await until('the hook not to be heard of', async () => !(await alive()))
          },
          giveBack: async () => {
            lambda.disabled = false
            await until('the hook to be heard of again', alive)
          },
        },
        router: away('elasticloadbalancing', () => platform.readWeights()),
        database: away('rds', () => clients.databases.send(new DescribeDBInstancesCommand({}))),
      },
      teardown,
    }
  } catch (error) {
    await teardown()
    throw error
  }
}

function startColour(colour: string, port: number, fault: string): ChildProcess {
  return spawn(process.execPath, [join(checkout, 'test/contracts/colour.ts')], {
    env: { ...process.env, PORT: String(port), COLOUR: colour, FAULT: fault },
    stdio: 'ignore',
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill()
  await ended
}

async function until(what: string, ask: () => Promise<boolean>, seconds = 60): Promise<void> {
  const limit = Date.now() + seconds * 1_000
  while (!(await ask())) {
    if (Date.now() > limit) throw new Error(`waited ${seconds} s in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
