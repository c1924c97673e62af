import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  DeleteParametersCommand,
  GetParametersCommand,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm'
import { Unavailable } from '../platform.ts'
import { call, isNamed } from './failures.ts'
import { parametersUnder } from './versions.ts'

/** What a parameter of the standard tier holds. */
const MOST = 4_096
/** GetParameters takes no more names. */
const BATCH = 10

/**
 * Texts of any length in parameters of 4 KB, which is all that the standard tier holds. A short one
 * stands for itself; a longer one is compressed, in parts that are named by its hash: such a part
 * never changes, so that writing it again, by whomever, is no conflict.
 */
export class LongTexts {
  readonly #ssm: SSMClient
  readonly #path: string
  constructor(ssm: SSMClient, path: string) {
    this.#ssm = ssm
    this.#path = path
  }

  /** @returns what stands for the text, at most 4 KB: it, it compressed, or where its parts are */
  async write(text: string): Promise<string> {
    if (Buffer.byteLength(text) <= MOST && !text.startsWith('@')) return text
    const packed = gzipSync(text, { level: 9 }).toString('base64')
    if (packed.length + 4 <= MOST) return `@gz:${packed}`
    const hash = createHash('sha256').update(packed).digest('hex').slice(0, 24)
    const parts = Array.from({ length: Math.ceil(packed.length / MOST) }, (_, index) =>
      packed.slice(index * MOST, (index + 1) * MOST),
    )
    const known = new Set((await parametersUnder(this.#ssm, this.#path)).map(({ name }) => name))
    for (const [index, part] of parts.entries()) {
      const name = `${this.#path}/${hash}.${index}`
      if (known.has(name)) continue
      await this.#ssm
        .send(new PutParameterCommand({ Name: name, Value: part, Type: 'String' }))
        .catch((error) => {
          if (isNamed(error, 'ParameterAlreadyExists')) return
          return call(`ssm:PutParameter ${name}`, Promise.reject(error))
        })
    }
    return `@in:${hash}:${parts.length}`
  }

  async read(kept: string): Promise<string> {
    if (!kept.startsWith('@')) return kept
    if (kept.startsWith('@gz:')) return unpack(kept.slice(4))
    const [, hash, count] = kept.split(':')
    const names = Array.from({ length: Number(count) }, (_, n) => `${this.#path}/${hash}.${n}`)
    const values = new Map<string, string>()
    for (let from = 0; from < names.length; from += BATCH) {
      const { Parameters = [] } = await call(
        `ssm:GetParameters ${this.#path}/${hash}`,
        this.#ssm.send(new GetParametersCommand({ Names: names.slice(from, from + BATCH) })),
      )
      for (const { Name, Value } of Parameters) if (Name && Value) values.set(Name, Value)
    }
    const missing = names.filter((name) => !values.has(name))
    if (missing.length > 0) {
      throw new Unavailable(`${missing.join(', ')} is missing; next: sluice doctor --adopt`)
    }
    return unpack(names.map((name) => values.get(name)).join(''))
  }

  /**
   * Deletes parts that are old and that nothing stands for any more.
   * @param used what {@link write} gave for the texts that are still wanted
   */
  async prune(used: string[], now = Date.now()): Promise<void> {
    const hashes = new Set(used.map((one) => one.split(':')[1]))
    const old = (await parametersUnder(this.#ssm, this.#path))
      .filter(({ name, at }) => !hashes.has(hashIn(name)) && now - at.getTime() > READ_WITHIN_MS)
      .slice(0, BATCH)
    if (old.length === 0) return
    await this.#ssm.send(new DeleteParametersCommand({ Names: old.map(({ name }) => name) }))
  }
}

/** Who has read what stands for a text has read the text itself long before this. */
const READ_WITHIN_MS = 3_600_000

function hashIn(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1).split('.')[0] as string
}

function unpack(packed: string): string {
  return gunzipSync(Buffer.from(packed, 'base64')).toString('utf8')
}
