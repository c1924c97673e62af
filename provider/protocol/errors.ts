import grpc from '@grpc/grpc-js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import statusPb from '@pulumi/pulumi/proto/status_pb.js'
import anyPb from 'google-protobuf/google/protobuf/any_pb.js'
import { Partial } from './resource.ts'
import { encode } from './values.ts'

/**
 * Turns whatever a handler throws into the error the engine shows: the message and nothing else.
 * The code says "refused" on purpose; UNKNOWN would make the engine call its own state doubtful.
 */
export function toStatus(thrown: unknown): grpc.StatusObject {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  if (process.env['SLUICE_DEBUG'] === '1') process.stderr.write(`${error.stack ?? error}\n`)
  if (error instanceof Partial) return partialStatus(error)
  return status(codeOf(error), messageOf(error))
}

/** The answer to what this protocol offers and we do not. */
export const unimplemented = (what: string): grpc.StatusObject =>
  status(grpc.status.UNIMPLEMENTED, `${what} is not implemented`)

const status = (code: grpc.status, details: string, metadata = new grpc.Metadata()) =>
  ({ code, details, metadata }) as grpc.StatusObject

function codeOf(error: Error & { code?: unknown }): grpc.status {
  if (error.name === 'AbortError') return grpc.status.CANCELLED
  if (error.name === 'TimeoutError') return grpc.status.DEADLINE_EXCEEDED
  return grpc.status.FAILED_PRECONDITION
}

// An AggregateError of a failed connection has no message of its own.
const messageOf = (error: Error & { errors?: unknown[] }): string =>
  error.message || error.errors?.map((each) => String(each)).join('\n') || error.name

// gRPC for Node has no notion of error details; the header by which Go finds them is this one.
function partialStatus(error: Partial): grpc.StatusObject {
  const failed = new pb.ErrorResourceInitFailed()
    .setId(error.id)
    .setProperties(encode(error.outputs))
    .setReasonsList([error.message])
  const detail = new anyPb.Any()
  detail.pack(failed.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed')
  const message = new statusPb.Status()
    .setCode(grpc.status.FAILED_PRECONDITION)
    .setMessage(error.message)
    .setDetailsList([detail])
  const metadata = new grpc.Metadata()
  metadata.set('grpc-status-details-bin', Buffer.from(message.serializeBinary()))
  return status(grpc.status.FAILED_PRECONDITION, error.message, metadata)
}
