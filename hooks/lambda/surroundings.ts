import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ACCESS_HEADER } from '../../platforms/aws/layout.ts'
import { readVariables } from '../../platforms/aws/secret.ts'
import { SsmStore } from '../../platforms/aws/store.ts'
import { rolloutOf } from '../../rollout/environments.ts'
import { colourOf } from '../../rollout/services.ts'
import type { Surroundings } from '../surroundings.ts'
import type { LambdaParts } from './hook.ts'

/** More events than a rollout keeps. */
const HISTORY = 1_000

/**
 * What the function reaches: colours through the balancer by their test rules, variables in the
 * secret, files in its own bundle. Commands are begun and looked at by the minute's run, and not
 * waited for.
 */
export function lambdaSurroundings({
  clients,
  charge,
}: Pick<LambdaParts, 'clients' | 'charge'>): Surroundings {
  let variables: Promise<Record<string, string>> | undefined
  return {
    reach: async ({ services, aws }, service, colour, path) => {
      const found = services[service]
      if (!found || !colourOf(found, colour) || aws.address === undefined) return []
      return [{ url: new URL(path, aws.address).href, headers: { [ACCESS_HEADER]: colour } }]
    },
    run: async ({ what }) => ({
      ok: false,
      code: null,
      output: '',
      tookMs: 0,
      reason: `${what} is a command, which the function does not wait for`,
    }),
    variable: async (_plan, name) => {
      const { secret } = charge.plan.aws
      if (secret === undefined) return undefined
      variables ??= readVariables(clients, secret)
      return (await variables)[name]
    },
    readFile: (file) => readFile(resolve(file), 'utf8'),
    environment: async (plan, name) => {
      if (name === charge.environment) return 'here'
      const rollout = rolloutOf(plan, name)
      const store = new SsmStore(clients.parameters, rollout)
      const [latch, events] = await Promise.all([store.readLatch(), store.readEvents(HISTORY)])
      if (latch || events.length > 0) return { latch, events }
      return { missing: `no rollout ${rollout} in this account and region` }
    },
  }
}
