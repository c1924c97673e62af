// Stands in for the kubernetes provider plugin, which cannot be had on the test machines: any kind by
// its token, applied on the server's side to a real API server. It shows what engine and program do,
// and what the API server says; not the real plugin's defaults, validation or waiting.
import { setTimeout as pause } from 'node:timers/promises'
import { ApiError, ClusterApi, type ClusterObject } from '../../platforms/kubernetes/api.ts'
import { kindsKnown, pathOf } from '../../platforms/kubernetes/kinds.ts'
import { kubeconfigAccess } from '../../platforms/kubernetes/kubeconfig.ts'
import { hasUnknowns, type Props, type ResourceType, serve } from '../../provider/protocol.ts'

const MANAGER = 'pulumi-kubernetes-stand-in'
const READY_MS = 60_000
/** Longer than a test holds a write. */
const WRITE_MS = 60_000

interface Manifest extends Props {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> }
}

type Deployment = ClusterObject & {
  spec: { replicas: number }
  status?: { observedGeneration?: number; updatedReplicas?: number; availableReplicas?: number }
}

const api = new ClusterApi(kubeconfigAccess())

const pathTo = ({ kind, metadata }: Manifest) =>
  `${pathOf(kind, metadata.namespace ?? 'default')}/${metadata.name}`

async function apply(inputs: Props, query: Record<string, string> = {}): Promise<Props> {
  const manifest = inputs as Manifest
  const annotations = manifest.metadata.annotations ?? {}
  const applied = await api.ask<ClusterObject>('PATCH', pathTo(manifest), {
    body: manifest,
    contentType: 'application/apply-patch+yaml',
    query: {
      fieldManager: annotations['pulumi.com/patchFieldManager'] ?? MANAGER,
      ...(annotations['pulumi.com/patchForce'] === 'true' ? { force: 'true' } : {}),
      ...query,
    },
    timeoutMs: WRITE_MS,
  })
  return shaped(applied)
}

/** The live object without what changes by itself. */
function shaped(object: ClusterObject): Props {
  const { managedFields: _fields, ...metadata } = object.metadata
  const { status: _status, ...rest } = object as ClusterObject & { status?: unknown }
  return { ...rest, metadata } as unknown as Props
}

/** As the real one does: an update of a Deployment is done when its pods are available. */
async function ready(inputs: Props, signal: AbortSignal): Promise<void> {
  const manifest = inputs as Manifest
  if (manifest.kind !== 'Deployment') return
  const until = performance.now() + READY_MS
  while (!signal.aborted) {
    const { metadata, spec, status = {} } = await api.get<Deployment>(pathTo(manifest))
    const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0 } = status
    const current = observedGeneration >= (metadata.generation ?? 0)
    if (current && updatedReplicas >= spec.replicas && availableReplicas >= spec.replicas) return
    if (performance.now() > until) {
      throw new Error(
        `Deployment ${metadata.name}: ${availableReplicas} of ${spec.replicas} available`,
      )
    }
    await pause(200)
  }
}

const object: ResourceType = {
  replaceOn: ['metadata.name', 'metadata.namespace', 'kind'],
  async check(_ctx, _olds, news) {
    if (hasUnknowns(news)) return { inputs: news }
    try {
      await apply(news, { dryRun: 'All' })
      return { inputs: news }
    } catch (error) {
      // What is not there yet may only need its namespace or its definition first.
      if (error instanceof ApiError && [400, 409, 422].includes(error.code)) {
        return { inputs: news, failures: [{ property: 'spec', reason: error.message }] }
      }
      return { inputs: news }
    }
  },
  async create(ctx, inputs) {
    const outputs = await apply(inputs)
    await ready(inputs, ctx.signal)
    const { metadata } = inputs as Manifest
    return { id: `${metadata.namespace ?? 'default'}/${metadata.name}`, outputs }
  },
  async update(ctx, _id, _olds, news) {
    const outputs = await apply(news)
    await ready(news, ctx.signal)
    return outputs
  },
  async read(_ctx, _id, olds) {
    if (!olds) return undefined
    const found = await api.find(pathTo(olds as Manifest))
    return found && { outputs: shaped(found) }
  },
  async delete(_ctx, _id, olds) {
    await api.delete(pathTo(olds as Manifest)).catch((error) => {
      if (!(error instanceof ApiError && error.code === 404)) throw error
    })
  },
}

await serve({
  name: 'kubernetes',
  version: '4.34.2',
  types: (token) => {
    const kind = token.slice(token.lastIndexOf(':') + 1)
    return kindsKnown.includes(kind) ? object : undefined
  },
})
