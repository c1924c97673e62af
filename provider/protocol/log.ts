import grpc from '@grpc/grpc-js'
import engineRpc from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import engine from '@pulumi/pulumi/proto/engine_pb.js'

/** Talks to the person in front of the engine, in the order in which it was said. */
export class EngineLog {
  #client: InstanceType<typeof engineRpc.EngineClient> | undefined
  #last: Promise<void> = Promise.resolve()

  /** Begins to talk to the engine at this address; it comes by argument, Handshake or Attach. */
  connect(address: string): void {
    this.close()
    this.#client = new engineRpc.EngineClient(address, grpc.credentials.createInsecure())
  }

  /** Says one thing about one resource. An engine that cannot hear it fails nothing. */
  say(
    urn: string,
    message: string,
    kind: { severity?: 'info' | 'warning'; ephemeral?: boolean },
  ): Promise<void> {
    const { INFO, WARNING } = engine.LogSeverity
    const request = new engine.LogRequest()
      .setUrn(urn)
      .setMessage(message)
      .setSeverity(kind.severity === 'warning' ? WARNING : INFO)
      .setEphemeral(kind.ephemeral ?? false)
    this.#last = this.#last.then(
      () =>
        new Promise((resolve) => {
          const deadline = Date.now() + 5000
          if (!this.#client) return resolve()
          this.#client.log(request, new grpc.Metadata(), { deadline }, () => resolve())
        }),
    )
    return this.#last
  }

  /** Closes the connection. */
  close(): void {
    this.#client?.close()
    this.#client = undefined
  }
}
