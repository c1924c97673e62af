import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'
import engineRpc from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import type engine from '@pulumi/pulumi/proto/engine_pb.js'
import rpc from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import statusPb from '@pulumi/pulumi/proto/status_pb.js'
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js'
import structs from 'google-protobuf/google/protobuf/struct_pb.js'
import { type Props, Provider, type ProviderOptions } from '../../provider/protocol.ts'

export const urnOf = (type: string, name = 'one') =>
  `urn:pulumi:dev::shop::sluice:index:Service$${type}::${name}`

const struct = (props: Props) =>
  structs.Struct.fromJavaScript(props as Parameters<typeof structs.Struct.fromJavaScript>[0])

/** The engine's side of the protocol, in plain values. */
export class Engine {
  readonly raw: rpc.ResourceProviderClient

  constructor(port: number) {
    this.raw = new rpc.ResourceProviderClient(
      `127.0.0.1:${port}`,
      grpc.credentials.createInsecure(),
      { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 },
    )
  }

  #ask<Q, A>(method: string, request: Q): Promise<A> {
    // biome-ignore lint/suspicious/noExplicitAny: one generic call for all methods of the client
    const client = this.raw as any
    return promisify(client[method].bind(client))(request) as Promise<A>
  }

  handshake(engineAddress: string) {
    const request = new pb.ProviderHandshakeRequest().setEngineAddress(engineAddress)
    return this.#ask<unknown, pb.ProviderHandshakeResponse>('handshake', request)
  }

  configure(args: Props, id?: string) {
    const request = new pb.ConfigureRequest().setArgs(struct(args))
    if (id) request.setId(id)
    return this.#ask<unknown, pb.ConfigureResponse>('configure', request)
  }

  cancel() {
    return this.#ask<unknown, emptyPb.Empty>('cancel', new emptyPb.Empty())
  }

  async check(type: string, olds: Props, news: Props) {
    const request = new pb.CheckRequest().setUrn(urnOf(type))
    request.setOlds(struct(olds)).setNews(struct(news))
    const answer = await this.#ask<unknown, pb.CheckResponse>('check', request)
    return {
      inputs: answer.getInputs()?.toJavaScript(),
      failures: answer.getFailuresList().map((each) => each.toObject()),
    }
  }

  async diff(type: string, outputs: Props, news: Props, oldInputs: Props, ignore: string[] = []) {
    const request = new pb.DiffRequest().setUrn(urnOf(type)).setId('id')
    request.setOlds(struct(outputs)).setNews(struct(news)).setOldInputs(struct(oldInputs))
    request.setIgnorechangesList(ignore)
    const answer = await this.#ask<unknown, pb.DiffResponse>('diff', request)
    const kinds = Object.entries(pb.PropertyDiff.Kind)
    const entries = answer.toObject().detaileddiffMap
    return {
      changed: answer.getChanges() === pb.DiffResponse.DiffChanges.DIFF_SOME,
      detailed: answer.getHasdetaileddiff(),
      inputDiffs: entries.some(([, each]) => each.inputdiff),
      leaves: Object.fromEntries(
        entries.map(([path, each]) => [path, kinds.find(([, n]) => n === each.kind)?.[0]]),
      ),
      replaces: answer.getReplacesList(),
    }
  }

  async create(type: string, inputs: Props, preview = false) {
    const request = new pb.CreateRequest().setUrn(urnOf(type)).setPreview(preview)
    request.setProperties(struct(inputs))
    const answer = await this.#ask<unknown, pb.CreateResponse>('create', request)
    return { id: answer.getId(), outputs: answer.getProperties()?.toJavaScript() }
  }

  async update(type: string, olds: Props, news: Props, preview = false, oldInputs: Props = {}) {
    const request = new pb.UpdateRequest().setUrn(urnOf(type)).setId('id').setPreview(preview)
    request.setOlds(struct(olds)).setNews(struct(news)).setOldInputs(struct(oldInputs))
    const answer = await this.#ask<unknown, pb.UpdateResponse>('update', request)
    return answer.getProperties()?.toJavaScript()
  }

  async read(type: string, olds: Props, inputs: Props) {
    const request = new pb.ReadRequest().setUrn(urnOf(type)).setId('id')
    request.setProperties(struct(olds)).setInputs(struct(inputs))
    const answer = await this.#ask<unknown, pb.ReadResponse>('read', request)
    return {
      id: answer.getId(),
      outputs: answer.getProperties()?.toJavaScript(),
      inputs: answer.getInputs()?.toJavaScript(),
    }
  }
}

/** What the engine reads out of a failed call. */
export interface Refusal {
  code: grpc.status
  details: string
  reached: { id: string; outputs: unknown; reasons: string[] } | undefined
}

/** Waits for a call to fail, and returns the failure as the engine would read it. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => Promise.reject(new Error('the call succeeded')),
    (each: grpc.ServiceError) => each,
  )
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? []
  if (!bytes) return { code: error.code, details: error.details, reached: undefined }
  const [detail] = statusPb.Status.deserializeBinary(bytes as Buffer).getDetailsList()
  const failed = pb.ErrorResourceInitFailed.deserializeBinary(detail!.getValue_asU8())
  return {
    code: error.code,
    details: error.details,
    reached: {
      id: failed.getId(),
      outputs: failed.getProperties()?.toJavaScript(),
      reasons: failed.getReasonsList(),
    },
  }
}

/** Starts a provider within this process and hands over its engine's side. */
export async function start(types: ProviderOptions['types'], engineAddress?: string) {
  const provider = new Provider({ name: 'sluice', version: '1.2.3', types }, engineAddress)
  const engine = new Engine(await provider.listen())
  return { provider, engine }
}

/** An engine that only listens to what the provider says. */
export async function startListener() {
  const heard: engine.LogRequest.AsObject[] = []
  const server = new grpc.Server()
  const log: grpc.handleUnaryCall<engine.LogRequest, emptyPb.Empty> = (call, callback) => {
    heard.push(call.request.toObject())
    callback(null, new emptyPb.Empty())
  }
  server.addService(engineRpc.EngineService, { log } as grpc.UntypedServiceImplementation)
  const port = await promisify(server.bindAsync.bind(server))(
    '127.0.0.1:0',
    grpc.ServerCredentials.createInsecure(),
  )
  return { heard, address: `127.0.0.1:${port}`, close: () => server.forceShutdown() }
}

/** Runs a program of a few lines as the child of a child, so that its parent can be killed. */
export async function startOrphanable(
  module: string,
): Promise<{ parent: ChildProcess; port: number }> {
  const relay = `require('node:child_process').spawn(process.execPath, [${JSON.stringify(module)}],
    { stdio: 'inherit' })`
  const parent = spawn(process.execPath, ['-e', relay], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(parent.stdout!, 'data')
  return { parent, port: Number(String(line).trim()) }
}
