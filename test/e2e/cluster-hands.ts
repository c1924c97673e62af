import { join } from 'node:path'
import { expect } from 'vitest'
import { openCluster } from '../beds/kubernetes/open-cluster.ts'
import { ClusterStack } from './cluster-stack.ts'
import type { Result } from './engine-stack.ts'

/** What the tests of a stack in a cluster have at hand. */
export interface ClusterHands {
  stack(): ClusterStack
  /** Expects that a command did what it was told. */
  ok(result: Result): void
  /** Green answers nothing but errors from now on. */
  breakGreen(): Promise<void>
  mendGreen(): Promise<void>
  /** When green was told to fail, of the monotonic clock. */
  readonly broken: { from: number; to: number }[]
}

const SECRET = 'huntred-env'

/** A stack of huntred's two colours in a cluster of its own, with one guardrail; nothing is deployed yet. */
export async function openClusterStack(): Promise<{
  stack: ClusterStack
  close(): Promise<void>
}> {
  const cluster = await openCluster(['huntred'])
  const { namespace, examples, part, runner } = cluster
  const database = await cluster.openDatabase(['huntred'])
  await cluster.api.create(`/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET },
    stringData: { HUNTRED_URL: database.url('huntred') },
  })
  const colour = (version: string, port: number) => ({
    image: examples.image,
    command: ['node', join(examples.folder, 'examples', 'huntred', version)],
    port,
    environment: { EXAMPLE_FAULTS: '1' },
  })
  const stack = await ClusterStack.create(cluster, {
    name: 'huntred',
    services: { huntred: { blue: colour('v1.ts', 8391), green: colour('v2.ts', 8392) } },
    steps: [5, 10, 25, 50, 100],
    bake: '1s',
    minimumRequests: 1,
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    backups: { huntred: { postgres: 'env:HUNTRED_URL', before: 'first-step', maximumAge: '1h' } },
    runner: { image: runner },
    kubernetes: { ...part, operator: true, secret: SECRET, claim: 'huntred' },
  })
  return {
    stack,
    close: async () => {
      stack.close()
      await cluster.close()
      await database.close()
    },
  }
}

/** @param stack asked when it is needed: a hook makes it */
export function handsOn(stack: () => ClusterStack): ClusterHands {
  /** Tells the pods of green, through the gateway; several times, as it chooses between them. */
  const fault = async (faults: Record<string, number> | undefined) => {
    for (let told = 0; told < 12; told++) {
      const response = await fetch(`${stack().cluster.address}/faults`, {
        method: faults ? 'PUT' : 'DELETE',
        headers: { 'x-sluice-access': 'green', 'content-type': 'application/json' },
        ...(faults ? { body: JSON.stringify(faults) } : {}),
      })
      expect(response.status).toBe(200)
    }
  }
  const broken: ClusterHands['broken'] = []
  return {
    stack,
    broken,
    ok: (result) => {
      expect(result.output).not.toContain('error:')
      expect(result.code).toBe(0)
    },
    breakGreen: () => {
      broken.push({ from: performance.now(), to: Number.POSITIVE_INFINITY })
      return fault({ errors: 1 })
    },
    mendGreen: async () => {
      await fault(undefined)
      // What was asked for before comes in a moment later.
      const last = broken.at(-1)
      if (last) last.to = performance.now() + 1_000
    },
  }
}
