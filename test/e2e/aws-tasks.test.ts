import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DescribeServicesCommand, ECSClient, ListServicesCommand } from '@aws-sdk/client-ecs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { clientsOf } from '../../platforms/aws/clients.ts'
import { deployedFlags } from '../../platforms/aws/flags.ts'
import { readLayout } from '../../platforms/aws/layout.ts'
import type { FlagFile } from '../../rollout/flag-file.ts'
import { isReal } from '../beds/aws/real-account.ts'
import { AwsTasksStack } from './aws-tasks-stack.ts'
import { inOrder } from './in-order.ts'
import { isDeepChosen } from './seeded.ts'

/** A command that writes what it was given into the folder that it runs in. */
const writes = (file: string, what: string) => [
  'node',
  '-e',
  `require('node:fs').appendFileSync('${file}', ${what} + '\\n')`,
]
/** A colour: it says its name to everybody who asks, and green breaks on one path. */
const SERVES = [
  'node',
  '-e',
  `const { COLOUR, PORT, HOST } = process.env
   const status = (url) => (COLOUR === 'green' && url === '/fails-on-green' ? 500 : 200)
   require('node:http')
     .createServer(({ url }, answer) => answer.writeHead(status(url)).end(COLOUR))
     .listen(Number(PORT), HOST)`,
]
const BEATS = "setInterval(() => require('node:fs').writeFileSync('sync', String(Date.now())), 50)"

if (isReal()) vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 3_600_000 })

describe.runIf(isReal() || isDeepChosen('aws-tasks'))(
  'colours and commands in ECS, with the real engine',
  () => {
    let stack: AwsTasksStack

    inOrder()
    beforeAll(async () => {
      stack = await AwsTasksStack.create(
        ({ listener, port, image, cluster, vpc, subnets, securityGroups, secret }) => ({
          name: 'shop',
          services: {
            shop: {
              blue: { image, command: SERVES, port, environment: { COLOUR: 'blue' } },
              green: {
                image,
                command: SERVES,
                port: port + 1,
                environment: { COLOUR: 'env:GREEN' },
              },
            },
          },
          runner: { image },
          flags: { fresh: { follows: ['shop'] }, beta: {}, degraded: {} },
          steps: [{ weight: 50, gates: ['suite'] }, 100],
          bake: '1s',
          guardrails: {
            errors: { metric: 'error-rate', above: '5%', then: 'rollback' },
            some: { metric: 'error-rate', above: '1%', then: { flag: 'degraded' } },
          },
          minimumRequests: 1,
          gates: {
            suite: { run: writes('suite', "'suite'") },
          },
          operations: {
            sync: { run: ['node', '-e', BEATS], until: 'promoted' },
            indices: {
              run: writes('indices', 'process.env.URL'),
              at: 'before-first-step',
              environment: { URL: 'env:ORDERS_URL' },
            },
            undo: { run: writes('undo', 'process.env.SLUICE_POSITION'), at: 'on-rollback' },
            clean: { run: writes('clean', 'process.env.SLUICE_POSITION'), at: 'promoted' },
          },
          aws: { listener, cluster, vpc, subnets, securityGroups, secret, tasks: 2 },
        }),
        { ORDERS_URL: 'postgres://orders', GREEN: 'green' },
      )
    })
    afterAll(() => stack?.close())

    const file = (name: string) => join(stack.folder, name)
    /** What a command has written; on a real account nobody here can read it. */
    const written = (name: string, text: string) => {
      if (stack.ecs) expect(readFileSync(file(name), 'utf8')).toBe(`${text}\n`)
    }
    /** By the name of the service: how many of its tasks run. */
    const services = async (): Promise<Record<string, number>> => {
      const ecs = new ECSClient({})
      const { cluster } = stack.plan.aws
      const { serviceArns = [] } = await ecs.send(new ListServicesCommand({ cluster }))
      const found = await ecs.send(new DescribeServicesCommand({ cluster, services: serviceArns }))
      const active = found.services?.filter(({ status }) => status === 'ACTIVE') ?? []
      return Object.fromEntries(
        active.map(({ serviceName = '', runningCount = 0 }) => [
          serviceName.replace(/-[0-9a-f]{7}$/, ''),
          runningCount,
        ]),
      )
    }
    /** The flags as AppConfig has deployed them. */
    const flags = async (): Promise<FlagFile['flags'] | undefined> => {
      const clients = clientsOf({})
      const place = (await readLayout(clients.parameters, stack.rollout))?.flags
      const text = place && (await deployedFlags(clients.flags, place))
      return text === undefined ? undefined : (JSON.parse(text) as FlagFile).flags
    }
    const asked = async (path = '/') => (await fetch(`${stack.url}${path}`)).text()
    /** Does something while somebody asks all the time. */
    const under = async <T>(path: string, doing: () => Promise<T>): Promise<T> => {
      const asking = setInterval(() => void asked(path).catch(() => {}), 20)
      return doing().finally(() => clearInterval(asking))
    }

    it('starts both colours with all of their tasks, and what runs beside the rollout', async () => {
      const deployed = await stack.up()
      expect(deployed.output).not.toContain('error:')
      expect(deployed.code).toBe(0)
      expect(await services()).toEqual({ 'shop-blue': 2, 'shop-green': 2, sync: 1 })
      await stack.until('blue to answer', async () => (await asked()).includes('blue'))
      await stack.until('the sync to run', () => !stack.ecs || existsSync(file('sync')))
      expect(await stack.green()).toBe(0)
    })

    it('holds the first step until what goes before it is done, with the secret of the task', async () => {
      const result = await stack.step('shop@50', 100)
      expect(result.output).not.toContain('error:')
      expect(await stack.operation('indices')).toBe('done')
      written('indices', 'postgres://orders')
      // Its place stands in the state, its value nowhere.
      const { output } = await stack.pulumi('stack', 'export', '--stack', 'e2e')
      expect(output).toContain('ORDERS_URL::')
      expect(output).not.toContain('postgres://orders')
      await stack.until('green to answer', async () => (await asked()).includes('green'))
    })

    /** What a flag is that follows green at a weight. */
    const following = (green: number) => ({
      defaultVariant: 'off',
      targeting: { if: [{ '<': [{ var: 'bucket' }, green] }, 'on', 'off'] },
    })

    it('deploys the flags: one that follows green, and one that a person sets', async () => {
      await stack.until('the flags', async () => JSON.stringify(await flags()).includes('50'))
      expect(await flags()).toMatchObject({
        fresh: following(50),
        beta: { defaultVariant: 'off' },
      })
      const set = await stack.run('sluice', 'flag', 'beta', 'on', '-s', 'e2e')
      expect(set.output).toContain('flag beta is on for 100 % of the users')
      expect((await flags())?.['beta']?.defaultVariant).toBe('on')
    })

    it('takes a green of ECS back, with what follows it, and leaves it running', async () => {
      await under('/fails-on-green', () =>
        stack.until('the rollback', async () => (await stack.latch()).latched),
      )
      expect((await stack.latch()).trip).toMatchObject({ cause: 'errors', landing: 'start' })
      // The latch is written first, and then the rule.
      await stack.until('green at 0', async () => (await stack.green()) === 0)
      await stack.until('blue to answer', async () => (await asked('/fails-on-green')) === 'blue')
      expect(await services()).toMatchObject({ 'shop-blue': 2, 'shop-green': 2 })
      await stack.until('its operation', async () => (await stack.operation('undo')) === 'done')
      written('undo', 'shop@50')
    })

    it('has no flag on that follows a green taken back, and leaves what was set by hand or guardrail', async () => {
      const wanted = {
        fresh: following(0),
        beta: { defaultVariant: 'on' },
        degraded: { defaultVariant: 'on' },
      }
      const all = async () => expect(await flags()).toMatchObject(wanted)
      await vi.waitFor(all, { timeout: 120_000, interval: 500 })
    })

    it('goes to the step again in a further attempt', async () => {
      const refused = await stack.up()
      expect(refused.code).not.toBe(0)
      expect(refused.output).toContain('ROLLED BACK')
      const acknowledged = await stack.set({ step: 'start', attempt: 2 }).up()
      expect(acknowledged.output).not.toContain('error:')
      // The gate is judged anew in this attempt.
      rmSync(file('suite'), { force: true })
      const result = await stack.step('shop@50', 100)
      expect(result.output).not.toContain('error:')
      expect(await stack.green()).toBe(50)
      await stack.until('the flags', async () => JSON.stringify(await flags()).includes('50'))
      expect(await flags()).toMatchObject({ fresh: following(50) })
    })

    it('leaves a step by a gate that is a command', async () => {
      const result = await under('/', () => stack.step('shop@100', 100))
      expect(result.output).not.toContain('error:')
      written('suite', 'suite')
      expect(await services()).toMatchObject({ 'shop-blue': 2, 'shop-green': 2 })
    })

    it('stops what ran until the promotion, and runs what comes with it', async () => {
      const result = await under('/', () => stack.step('promoted', 100))
      expect(result.output).not.toContain('error:')
      expect(await services()).toEqual({ 'shop-blue': 2, 'shop-green': 2 })
      await stack.until('the operation', async () => (await stack.operation('clean')) === 'done')
      written('clean', 'promoted')
      if (!stack.ecs) return
      const beats = () => readFileSync(file('sync'), 'utf8')
      let last = beats()
      await stack.until('the sync to be still', () => {
        const still = beats() === last
        last = beats()
        return still
      })
    })

    it('deletes blue when it is retired, and only then', async () => {
      const released = await stack.step('released', 100)
      expect(released.output).not.toContain('error:')
      expect(await services()).toEqual({ 'shop-blue': 2, 'shop-green': 2 })
      const retired = await stack.step('retired', 100)
      expect(retired.output).not.toContain('error:')
      expect(await services()).toEqual({ 'shop-green': 2 })
      expect(await asked()).toContain('green')
    })
  },
)
