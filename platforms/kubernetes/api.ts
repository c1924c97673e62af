import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { Unavailable } from '../platform.ts'

/** A refusal of the API server, as it says it. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: number
  /** Such as NotFound, Conflict, AlreadyExists, Invalid. */
  readonly reason: string
  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  creationTimestamp?: string
  deletionTimestamp?: string
  managedFields?: ManagedFields[]
}

export interface ManagedFields {
  manager?: string
  operation?: 'Apply' | 'Update'
  subresource?: string
  fieldsV1?: Record<string, unknown>
}

/** Any object of the cluster, as far as nobody looks deeper. */
export interface ClusterObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

export type Patch = 'apply' | 'merge'

export interface AskOptions {
  body?: unknown
  query?: Record<string, string>
  headers?: Record<string, string>
  timeoutMs?: number
  contentType?: string
}

const TIMEOUT_MS = 5_000
const PATCHES = {
  apply: 'application/apply-patch+yaml',
  merge: 'application/merge-patch+json',
} as const

/** Where the API server is, and how whoever asks says who it is. */
export interface Access {
  server: string
  /** TLS and authorization of one request. */
  options(): Promise<RequestOptions>
}

/** The API server. */
export class ClusterApi {
  readonly #access: Access
  constructor(access: Access) {
    this.#access = access
  }

  get<T extends ClusterObject>(path: string, options?: AskOptions): Promise<T> {
    return this.ask('GET', path, options)
  }

  /** @returns undefined where there is none */
  async find<T extends ClusterObject>(path: string, options?: AskOptions): Promise<T | undefined> {
    try {
      return await this.get<T>(path, options)
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined
      throw error
    }
  }

  async list<T extends ClusterObject>(path: string, query?: Record<string, string>): Promise<T[]> {
    const { items } = await this.ask<{ items: T[] }>('GET', path, { query })
    return items
  }

  create<T extends ClusterObject>(path: string, body: unknown): Promise<T> {
    return this.ask('POST', path, { body })
  }

  replace<T extends ClusterObject>(path: string, body: unknown): Promise<T> {
    return this.ask('PUT', path, { body })
  }

  patch<T extends ClusterObject>(
    path: string,
    kind: Patch,
    body: unknown,
    query?: Record<string, string>,
  ): Promise<T> {
    return this.ask('PATCH', path, { body, query, contentType: PATCHES[kind] })
  }

  delete(path: string): Promise<unknown> {
    return this.ask('DELETE', path, {})
  }

  /**
   * Asks once.
   * @throws ApiError where the server refuses; Unavailable where it gives no answer in time
   */
  async ask<T>(method: string, path: string, options: AskOptions = {}): Promise<T> {
    const { status, body } = await this.raw(method, path, options)
    let value: unknown
    try {
      value = body === '' ? undefined : JSON.parse(body)
    } catch {
      value = undefined
    }
    if (status >= 200 && status < 300) return value as T
    const { reason, message } = (value ?? {}) as { reason?: string; message?: string }
    throw new ApiError(status, reason ?? String(status), message ?? body.slice(0, 300))
  }

  /** The answer as it is, whatever its status. */
  async raw(
    method: string,
    path: string,
    { body, query, headers, timeoutMs = TIMEOUT_MS, contentType }: AskOptions = {},
  ): Promise<{ status: number; body: string }> {
    const response = await this.open(method, path, { body, query, headers, timeoutMs, contentType })
    try {
      return { status: response.statusCode ?? 0, body: await text(response) }
    } catch (error) {
      throw this.#unavailable(error)
    }
  }

  /** Opens a stream, as a watch is one. @param timeoutMs until its headers come */
  async open(
    method: string,
    path: string,
    { body, query, headers, timeoutMs = TIMEOUT_MS, contentType }: AskOptions = {},
  ): Promise<IncomingMessage> {
    const url = new URL(path, this.#access.server)
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value)
    const content = body === undefined ? undefined : JSON.stringify(body)
    const base = await this.#access.options()
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    return new Promise((resolve, reject) => {
      const asked = send(
        url,
        {
          ...base,
          method,
          headers: {
            ...(base.headers as Record<string, string>),
            accept: 'application/json',
            ...(content === undefined
              ? {}
              : {
                  'content-type': contentType ?? 'application/json',
                  'content-length': String(Buffer.byteLength(content)),
                }),
            ...headers,
          },
          signal: AbortSignal.timeout(timeoutMs),
        },
        resolve,
      )
      asked.once('error', (error) => reject(this.#unavailable(error)))
      asked.end(content)
    })
  }

  #unavailable(error: unknown): Unavailable {
    const { message, code } = error as NodeJS.ErrnoException
    return new Unavailable(
      `${this.#access.server} does not answer (${code ?? message}); next: kubectl cluster-info`,
    )
  }
}
