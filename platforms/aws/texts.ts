import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { DeleteParametersCommand, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm'
import { Unavailable } from '../platform.ts'
import { call, isNamed } from './failures.ts'
import { readParameters } from './parameters.ts'

/** What a parameter of the standard tier holds. */
const MOST = 4_096
/** DeleteParameters takes no more names. */
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
    const kept = `@in:${hash}:${parts.length}`
    const names = this.#namesOf(kept)
    const known = await readParameters(this.#ssm, names)
    for (const [index, name] of names.entries()) {
      if (known.has(name)) continue
      const part = parts[index]
      await this.#ssm
        .send(new PutParameterCommand({ Name: name, Value: part, Type: 'String' }))
        .catch((error) => {
          if (isNamed(error, 'ParameterAlreadyExists')) return
          return call(`ssm:PutParameter ${name}`, Promise.reject(error))
        })
    }
    return kept
  }

  async read(kept: string): Promise<string> {
    if (!kept.startsWith('@')) return kept
    if (kept.startsWith('@gz:')) return unpack(kept.slice(4))
    const names = this.#namesOf(kept)
    const values = await readParameters(this.#ssm, names)
    const missing = names.filter((name) => !values.has(name))
    if (missing.length > 0) {
      throw new Unavailable(`${missing.join(', ')} is missing; next: sluice doctor --adopt`)
    }
    return unpack(names.map((name) => values.get(name)).join(''))
  }

  /**
   * Deletes the parts of a text, by their names: nothing else that stands here has to be looked at.
   * @param kept what {@link write} gave for a text that nobody else has written, and nobody reads any more
   */
  async remove(kept: string): Promise<void> {
    const names = this.#namesOf(kept)
    for (let from = 0; from < names.length; from += BATCH) {
      const Names = names.slice(from, from + BATCH)
      await call(
        `ssm:DeleteParameters ${this.#path}`,
        this.#ssm.send(new DeleteParametersCommand({ Names })),
      )
    }
  }

  /** Where the parts of a text stand; none for one that stands for itself. */
  #namesOf(kept: string): string[] {
    const [, hash, count] = /^@in:([0-9a-f]+):(\d+)$/.exec(kept) ?? []
    return Array.from({ length: Number(count ?? 0) }, (_, n) => `${this.#path}/${hash}.${n}`)
  }
}

function unpack(packed: string): string {
  return gunzipSync(Buffer.from(packed, 'base64')).toString('utf8')
}
