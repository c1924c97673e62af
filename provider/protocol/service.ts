import grpc from '@grpc/grpc-js'
import pluginPb from '@pulumi/pulumi/proto/plugin_pb.js'
import rpc from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js'
import { changes, toDiffResponse, within } from './diff.ts'
import { toStatus, unimplemented } from './errors.ts'
import { EngineLog } from './log.ts'
import { type Context, Partial, type ProviderOptions, type ResourceType } from './resource.ts'
import {
  decode,
  decodeSome,
  encode,
  hasUnknowns,
  isUnknown,
  type Props,
  project,
  UNKNOWN,
} from './values.ts'

/** What every request about a resource can say. */
interface About {
  getUrn(): string
  getName(): string
  getType(): string
  getTimeout?(): number
}

type Call<Q> = grpc.ServerUnaryCall<Q, unknown>

/**
 * Answers the engine over gRPC, for a table of resource types. It has no effect on its process:
 * `serve` is this as a program.
 */
export class Provider {
  readonly #options: ProviderOptions
  readonly #server = new grpc.Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  })
  readonly #log = new EngineLog()
  readonly #cancelled = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  #config: Props = {}
  /**
   * No request but Create, Update and Invoke says whether this is a preview, nor does Configure or
   * the environment. The engine starts a provider for one phase, though, so one word settles it.
   */
  #preview: boolean | undefined

  constructor(options: ProviderOptions, engineAddress?: string) {
    this.#options = options
    if (engineAddress) this.#log.connect(engineAddress)
    this.#server.addService(rpc.ResourceProviderService, this.#service())
  }

  /** Listens on loopback and returns the port. */
  listen(): Promise<number> {
    const credentials = grpc.ServerCredentials.createInsecure()
    return new Promise((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, port) =>
        error ? reject(error) : resolve(port),
      )
    })
  }

  /** Asks the running handlers, and all that would follow, to stop. */
  cancel(reason = 'cancelled'): void {
    this.#cancelled.abort(new DOMException(reason, 'AbortError'))
  }

  /** Resolves when no handler runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  /** Stops listening, and drops whatever is open. */
  close(): void {
    this.cancel('closed')
    this.#log.close()
    this.#server.forceShutdown()
  }

  #service(): rpc.IResourceProviderServer {
    const service: grpc.UntypedServiceImplementation = {
      handshake: this.#answer(async (call: Call<pb.ProviderHandshakeRequest>) => {
        this.#meet(call.request.getEngineAddress())
        // The engine keeps secrets, outputs and references to itself when we accept none.
        return new pb.ProviderHandshakeResponse()
      }),
      attach: this.#answer(async (call: Call<pluginPb.PluginAttach>) => {
        this.#meet(call.request.getAddress())
        return new emptyPb.Empty()
      }),
      getPluginInfo: this.#answer(async () =>
        new pluginPb.PluginInfo().setVersion(this.#options.version),
      ),
      getSchema: this.#answer(async () => new pb.GetSchemaResponse().setSchema('{}')),
      checkConfig: this.#answer(async (call: Call<pb.CheckRequest>) =>
        new pb.CheckResponse().setInputs(call.request.getNews()),
      ),
      diffConfig: this.#answer(async (call: Call<pb.DiffRequest>) =>
        this.#diffConfig(call.request),
      ),
      configure: this.#answer(async (call: Call<pb.ConfigureRequest>) =>
        this.#configure(call.request),
      ),
      check: this.#answer((call: Call<pb.CheckRequest>) => this.#check(call)),
      diff: this.#answer((call: Call<pb.DiffRequest>) => this.#diff(call)),
      create: this.#answer((call: Call<pb.CreateRequest>) => this.#create(call)),
      read: this.#answer((call: Call<pb.ReadRequest>) => this.#read(call)),
      update: this.#answer((call: Call<pb.UpdateRequest>) => this.#update(call)),
      delete: this.#answer((call: Call<pb.DeleteRequest>) => this.#delete(call)),
      cancel: this.#answer(async () => {
        this.cancel()
        return new emptyPb.Empty()
      }),
      list: (call: grpc.ServerWritableStream<unknown, unknown>) =>
        call.emit('error', unimplemented('List')),
    }
    for (const name of Object.keys(rpc.ResourceProviderService)) {
      service[name] ??= (_: unknown, callback: grpc.sendUnaryData<unknown>) =>
        callback(unimplemented(name), null)
    }
    return service as rpc.IResourceProviderServer
  }

  #answer<Q, A>(handle: (call: Call<Q>) => Promise<A>) {
    return (call: Call<Q>, callback: grpc.sendUnaryData<A>) => {
      const work = handle(call).then(
        (answer) => callback(null, answer),
        (error) => callback(toStatus(error), null),
      )
      this.#running.add(work)
      work.finally(() => this.#running.delete(work))
    }
  }

  // A provider under a debugger is attached to by one phase after another.
  #meet(engineAddress: string): void {
    this.#preview = undefined
    this.#log.connect(engineAddress)
  }

  #diffConfig(request: pb.DiffRequest): pb.DiffResponse {
    const [olds, news] = [request.getOldInputs() ?? request.getOlds(), request.getNews()]
    const differ = changes(decode(news), decode(olds), decode(olds)).size > 0
    // A change of configuration replaces nothing: the stack's own settings arrive here too.
    const { DIFF_SOME, DIFF_NONE } = pb.DiffResponse.DiffChanges
    return new pb.DiffResponse().setChanges(differ ? DIFF_SOME : DIFF_NONE)
  }

  async #configure(request: pb.ConfigureRequest): Promise<pb.ConfigureResponse> {
    this.#config = decode(request.getArgs())
    // A provider that is yet to be created has no id, and in an update it is given one first.
    if (isUnknown(request.getId())) this.#preview = true
    await this.#options.configure?.(this.#config)
    return new pb.ConfigureResponse().setSupportspreview(true)
  }

  async #check(call: Call<pb.CheckRequest>): Promise<pb.CheckResponse> {
    const { request } = call
    const news = decode(request.getNews())
    if (hasUnknowns(news)) this.#preview = true
    const type = this.#type(request)
    const checked = (await type.check?.(
      this.#context(call),
      decodeSome(request.getOlds()),
      news,
    )) ?? { inputs: news }
    const failures = (checked.failures ?? []).map(({ property, reason }) =>
      new pb.CheckFailure().setProperty(property).setReason(reason),
    )
    return new pb.CheckResponse().setInputs(encode(checked.inputs)).setFailuresList(failures)
  }

  async #diff(call: Call<pb.DiffRequest>): Promise<pb.DiffResponse> {
    const { request } = call
    const type = this.#type(request)
    const [olds, news] = [decode(request.getOlds()), decode(request.getNews())]
    const found = changes(news, olds, decode(request.getOldInputs()))
    const extra = await type.diff?.(this.#context(call), request.getId(), olds, news)
    if (extra?.changed) {
      for (const path of extra.paths ?? []) if (!found.has(path)) found.set(path, 'update')
    }
    for (const path of found.keys()) {
      if (request.getIgnorechangesList().some((ignored) => within(path, ignored)))
        found.delete(path)
    }
    return toDiffResponse(found, type, extra?.changed ?? false)
  }

  async #create(call: Call<pb.CreateRequest>): Promise<pb.CreateResponse> {
    const { request } = call
    const type = this.#type(request)
    const inputs = decode(request.getProperties())
    this.#preview = request.getPreview()
    const ctx = this.#context(call)
    if (request.getPreview()) {
      const unknowns = (type.computed ?? []).map((key) => [key, UNKNOWN])
      const known = await type.plan?.(ctx, inputs, undefined)
      const outputs = { ...inputs, ...Object.fromEntries(unknowns), ...known }
      return new pb.CreateResponse().setProperties(encode(outputs))
    }
    const { id, outputs } = await type.create(ctx, inputs)
    // Inputs that the handler does not speak of were taken as they are.
    return new pb.CreateResponse().setId(id).setProperties(encode({ ...inputs, ...outputs }))
  }

  async #update(call: Call<pb.UpdateRequest>): Promise<pb.UpdateResponse> {
    const { request } = call
    const type = this.#type(request)
    const [olds, news] = [decode(request.getOlds()), decode(request.getNews())]
    // What was asked for and no longer is must not live on in the outputs.
    const asked = Object.keys(decode(request.getOldInputs())).filter((key) => news[key] == null)
    const kept = Object.fromEntries(Object.entries(olds).filter(([key]) => !asked.includes(key)))
    this.#preview = request.getPreview()
    const ctx = this.#context(call)
    if (request.getPreview()) {
      const known = await type.plan?.(ctx, news, olds)
      return new pb.UpdateResponse().setProperties(encode({ ...kept, ...news, ...known }))
    }
    if (!type.update) throw new Error(`${ctx.type} cannot be updated, only replaced`)
    try {
      const outputs = await type.update(ctx, request.getId(), olds, news)
      return new pb.UpdateResponse().setProperties(encode({ ...kept, ...news, ...outputs }))
    } catch (error) {
      if (!(error instanceof Partial)) throw error
      throw new Partial(error.message, request.getId(), { ...olds, ...error.outputs })
    }
  }

  async #read(call: Call<pb.ReadRequest>): Promise<pb.ReadResponse> {
    const { request } = call
    const type = this.#type(request)
    const id = request.getId()
    const olds = decodeSome(request.getProperties())
    const inputs = decodeSome(request.getInputs())
    if (!type.read && !olds) throw new Error(`${request.getType()} cannot be imported`)
    const live = type.read
      ? await type.read(this.#context(call), id, olds, inputs)
      : { outputs: olds ?? {} }
    if (!live) return new pb.ReadResponse()
    const outputs = { ...olds, ...live.outputs }
    const chosen = Object.keys(outputs).filter((key) => !type.computed?.includes(key))
    const shape = inputs ?? Object.fromEntries(chosen.map((key) => [key, undefined]))
    return new pb.ReadResponse()
      .setId(id)
      .setProperties(encode(outputs))
      .setInputs(encode(project(outputs, shape) as Props))
  }

  async #delete(call: Call<pb.DeleteRequest>): Promise<emptyPb.Empty> {
    const { request } = call
    this.#preview = false
    const olds = decode(request.getProperties())
    await this.#type(request).delete?.(this.#context(call), request.getId(), olds)
    return new emptyPb.Empty()
  }

  #type(request: About): ResourceType {
    const token = typeOf(request)
    const { types, name } = this.#options
    const type =
      typeof types === 'function' ? types(token) : Object.hasOwn(types, token) && types[token]
    if (type) return type
    const known = typeof types === 'function' ? [] : Object.keys(types)
    const list = known.length > 0 ? `; it knows ${known.join(', ')}` : ''
    throw new Error(`the ${name} provider knows no type ${token}${list}`)
  }

  #context(call: Call<About>): Context {
    const { request } = call
    const urn = request.getUrn()
    const gone = new AbortController()
    call.on('cancelled', () => gone.abort(new DOMException('the engine is gone', 'AbortError')))
    const seconds = request.getTimeout?.() ?? 0
    const signals = [this.#cancelled.signal, gone.signal]
    if (seconds > 0) signals.push(AbortSignal.timeout(seconds * 1000))
    return {
      urn,
      name: request.getName() || urn.split('::').slice(3).join('::'),
      type: typeOf(request),
      preview: this.#preview,
      signal: AbortSignal.any(signals),
      config: this.#config,
      progress: (message) => void this.#log.say(urn, message, { ephemeral: true }),
      info: (message) => this.#log.say(urn, message, { severity: 'info' }),
      warn: (message) => this.#log.say(urn, message, { severity: 'warning' }),
    }
  }
}

const typeOf = (request: About): string =>
  request.getType() || (request.getUrn().split('::')[2] ?? '').split('$').at(-1) || ''
