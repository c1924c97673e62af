import {
  DeleteParametersCommand,
  GetParametersByPathCommand,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm'
import { call, isNamed } from './failures.ts'
import { readParameters } from './parameters.ts'

/** How many versions behind the newest are kept: a reader may still be on its way to one. */
const KEPT = 3
/** A page of GetParametersByPath and a batch of DeleteParameters hold no more than this. */
const PAGE = 10

/** A text, and the version that the next write has to follow. */
export interface Versioned {
  text: string
  version: number
}

/**
 * Writes a parameter that must be new.
 * @param text no other writer's: two that write the same cannot be told apart
 * @returns false where another writer was first: then nothing was written
 */
export async function writeOnce(ssm: SSMClient, name: string, text: string): Promise<boolean> {
  try {
    await ssm.send(new PutParameterCommand({ Name: name, Value: text, Type: 'String' }))
  } catch (error) {
    if (!isNamed(error, 'ParameterAlreadyExists')) {
      throw await call(`ssm:PutParameter ${name}`, Promise.reject(error))
    }
    // A repeated call finds what its first attempt wrote before the answer was lost.
    return (await readParameters(ssm, [name])).get(name) === text
  }
  return true
}

/**
 * A value in SSM's Parameter Store with compare-and-set.
 *
 * PutParameter knows no condition but one: without `Overwrite` it fails where the name exists. With
 * `Overwrite` the last writer wins silently, whatever it had read. So each version is a parameter of
 * its own, `<path>/00000012`, and who writes the next one first has won. The newest name is the value.
 */
export class VersionedParameter {
  readonly #ssm: SSMClient
  readonly #path: string
  constructor(ssm: SSMClient, path: string) {
    this.#ssm = ssm
    this.#path = path
  }

  /** The newest version; undefined where there is none. */
  async read(): Promise<Versioned | undefined> {
    return (await this.#all()).at(-1)
  }

  /**
   * Writes the version after the one that was read.
   * @param after the version that was read; 0 where there was none
   * @returns false where another writer was first: then nothing was written
   */
  async write(text: string, after: number): Promise<boolean> {
    return writeOnce(this.#ssm, `${this.#path}/${String(after + 1).padStart(8, '0')}`, text)
  }

  /**
   * Deletes what no reader needs any more; it holds up nobody, and the next write tries again.
   * @returns the texts that stood there
   */
  async prune(): Promise<string[]> {
    const old = (await this.#all()).slice(0, -KEPT).slice(0, PAGE)
    if (old.length === 0) return []
    const Names = old.map(({ version }) => `${this.#path}/${String(version).padStart(8, '0')}`)
    await this.#ssm.send(new DeleteParametersCommand({ Names }))
    return old.map(({ text }) => text)
  }

  async #all(): Promise<Versioned[]> {
    const found = await parametersUnder(this.#ssm, this.#path)
    return found
      .map(({ name, text }) => ({ text, version: Number(name.slice(this.#path.length + 1)) }))
      .filter(({ version }) => Number.isInteger(version))
      .toSorted((a, b) => a.version - b.version)
  }
}

/** Every parameter right under a path. */
export async function parametersUnder(
  ssm: SSMClient,
  path: string,
): Promise<{ name: string; text: string; at: Date }[]> {
  const found: { name: string; text: string; at: Date }[] = []
  let next: string | undefined
  do {
    const page = await call(
      `ssm:GetParametersByPath ${path}`,
      ssm.send(new GetParametersByPathCommand({ Path: path, MaxResults: PAGE, NextToken: next })),
    )
    for (const { Name, Value, LastModifiedDate: at = new Date() } of page.Parameters ?? []) {
      if (Name !== undefined && Value !== undefined) found.push({ name: Name, text: Value, at })
    }
    next = page.NextToken
  } while (next !== undefined)
  return found
}

/** Deletes every parameter under a path, at any depth. */
export async function deleteParametersUnder(ssm: SSMClient, path: string): Promise<void> {
  for (;;) {
    const { Parameters = [] } = await call(
      `ssm:GetParametersByPath ${path}`,
      ssm.send(new GetParametersByPathCommand({ Path: path, Recursive: true, MaxResults: PAGE })),
    )
    const Names = Parameters.flatMap(({ Name }) => (Name === undefined ? [] : [Name]))
    if (Names.length === 0) return
    await call(`ssm:DeleteParameters ${path}`, ssm.send(new DeleteParametersCommand({ Names })))
  }
}
