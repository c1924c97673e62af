import { createHash, randomUUID } from 'node:crypto'
import { DeleteParametersCommand, type SSMClient } from '@aws-sdk/client-ssm'
import type { z } from 'zod'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import { Corrupt } from '../platform.ts'
import { Conflict, type RolloutEvent, type Store } from '../store.ts'
import { journalSchema, latchSchema } from '../stored.ts'
import { parameterNames } from './layout.ts'
import { LongTexts } from './texts.ts'
import { parametersUnder, VersionedParameter, writeOnce } from './versions.ts'

/** How much of the history is kept: a look back, not an archive, which is the hook's log. */
const EVENTS_KEPT = 40
const MOST_EVENT = 4_000
/** Of rollbacks the newest stay however much came after: another environment asks whether there were any. */
const PROOFS_KEPT = 3
const PROOFS = ['tripped', 'descended'].map(
  (kind) =>
    ({ text }: { text: string }) =>
      text.includes(`"kind":"${kind}"`),
)

/**
 * Latch, journal and the end of the history in SSM's Parameter Store, beside each other and not
 * managed by the engine. A write is compare-and-set by {@link VersionedParameter}.
 */
export class SsmStore implements Store {
  readonly #ssm: SSMClient
  readonly #names: ReturnType<typeof parameterNames>
  readonly #latch: VersionedParameter
  readonly #journal: VersionedParameter
  readonly #texts: LongTexts
  /** Which version a value was that a read gave. */
  readonly #versions = new WeakMap<object, number>()
  constructor(ssm: SSMClient, rollout: string) {
    this.#ssm = ssm
    this.#names = parameterNames(rollout)
    this.#latch = new VersionedParameter(ssm, this.#names.latch)
    this.#journal = new VersionedParameter(ssm, this.#names.journal)
    this.#texts = new LongTexts(ssm, this.#names.texts)
  }

  async readLatch(): Promise<Latch | undefined> {
    const found = await this.#latch.read()
    if (!found) return undefined
    const { value } = parsed(found.text, `${this.#names.latch}`) as { value: unknown }
    const latch = checked<Latch>(value, latchSchema, this.#names.latch)
    this.#versions.set(latch, found.version)
    return latch
  }

  async writeLatch(latch: Latch, over?: Latch | 'missing'): Promise<void> {
    await this.#write(this.#latch, 'latch', { value: latch }, over)
    // Of all that is written here only this must never wait for anything but its own write.
    void this.#latch.prune().catch(() => {})
  }

  async readJournal(): Promise<Journal | undefined> {
    const found = await this.#journal.read()
    if (!found) return undefined
    let text: string
    try {
      text = await this.#texts.read(found.text)
    } catch (error) {
      // One that was replaced several times meanwhile is no longer kept.
      if ((await this.#journal.read())?.version === found.version) throw error
      return this.readJournal()
    }
    const { plan, value } = parsed(text, this.#names.journal) as { plan: string; value: object }
    const whole = { ...value, plan: parsed(await this.#texts.read(plan), this.#names.journal) }
    const journal = checked<Journal>(whole, journalSchema, this.#names.journal)
    this.#versions.set(journal, found.version)
    return journal
  }

  async writeJournal(journal: Journal, over?: Journal | 'missing'): Promise<void> {
    const { plan, ...value } = journal
    // The plan is most of a journal and changes least: it stands for itself, and is written once. It
    // stays until the rollout is taken down, as others may be about to write a journal of the same.
    const kept = await this.#texts.write(JSON.stringify(plan))
    await this.#write(this.#journal, 'journal', { plan: kept, value }, over)
    const dropped = await this.#journal.prune().catch(() => [])
    for (const text of dropped) await this.#texts.remove(text).catch(() => {})
  }

  async appendEvent(event: RolloutEvent): Promise<void> {
    const own = randomUUID().slice(0, 8)
    const { at, occasion } = event
    const last = occasion === undefined ? own : nameOf(occasion)
    const name = `${this.#names.events}/${at.replaceAll(/[^0-9]/g, '')}-${last}`
    const whole = { ...event, own }
    const short = { ...whole, details: undefined, message: event.message.slice(0, 1_000) }
    const all = JSON.stringify(whole)
    const text = Buffer.byteLength(all) <= MOST_EVENT ? all : JSON.stringify(short)
    // A write whose answer was lost is tried again by the SDK, and then finds itself.
    if (await writeOnce(this.#ssm, name, text)) return
    throw new Conflict(`${at}: ${occasion} stands in the history`)
  }

  /** The newest events, oldest first. */
  async readEvents(limit: number): Promise<RolloutEvent[]> {
    return (await this.#events()).slice(-limit).flatMap(({ text }) => {
      try {
        return [JSON.parse(text) as RolloutEvent]
      } catch {
        return []
      }
    })
  }

  /** Drops the oldest of the history; for the reconciler, which waits for nothing. */
  async pruneEvents(): Promise<void> {
    const all = await this.#events()
    const kept = new Set(PROOFS.flatMap((proof) => all.filter(proof).slice(-PROOFS_KEPT)))
    const old = all.slice(0, -EVENTS_KEPT).filter((one) => !kept.has(one))
    const Names = old.slice(0, 10).map(({ name }) => name)
    if (Names.length > 0) await this.#ssm.send(new DeleteParametersCommand({ Names }))
  }

  /** The history as it is kept, oldest first. */
  async #events() {
    const found = await parametersUnder(this.#ssm, this.#names.events)
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  async #write(
    parameter: VersionedParameter,
    what: 'latch' | 'journal',
    value: object,
    over: object | 'missing' | undefined,
  ): Promise<void> {
    // The writer's mark tells a write that was repeated by the SDK from one of somebody else.
    const whole = JSON.stringify({ ...value, by: randomUUID() })
    const text = what === 'journal' ? await this.#texts.write(whole) : whole
    try {
      await this.#follow(parameter, what, text, over)
    } catch (error) {
      // The mark makes the parts of what was not written nobody else's.
      if (error instanceof Conflict) await this.#texts.remove(text).catch(() => {})
      throw error
    }
  }

  /** @throws Conflict where another process was first: then nothing was written */
  async #follow(
    parameter: VersionedParameter,
    what: 'latch' | 'journal',
    text: string,
    over: object | 'missing' | undefined,
  ): Promise<void> {
    for (;;) {
      const after =
        over === undefined
          ? ((await parameter.read())?.version ?? 0)
          : over === 'missing'
            ? await this.#afterNothing(parameter, what)
            : this.#versions.get(over)
      if (after === undefined) throw new Error(`a ${what} that was not read here is not replaced`)
      if (await parameter.write(text, after)) return
      if (over !== undefined) {
        throw new Conflict(`the ${what} was written by another process since it was read`)
      }
    }
  }

  async #afterNothing(parameter: VersionedParameter, what: string): Promise<number> {
    if (await parameter.read()) {
      throw new Conflict(`the ${what} was missing, and another process has written it since`)
    }
    return 0
  }
}

/** What stands for an occasion in a parameter's name, which takes no other characters. */
const nameOf = (occasion: string) => createHash('sha256').update(occasion).digest('hex').slice(0, 8)

function parsed(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw corrupt(place, (error as Error).message)
  }
}

function checked<T>(value: unknown, schema: z.ZodType, place: string): T {
  const result = schema.safeParse(value)
  if (result.success) return value as T
  const issues = result.error.issues.slice(0, 3)
  throw corrupt(
    place,
    issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join(', '),
  )
}

/** All versions have to go: with the newest alone deleted, the one before it would be the value. */
function corrupt(place: string, what: string): Corrupt {
  const path = place.endsWith('latch')
    ? 'a missing latch counts as latched at green 0, and is rebuilt by pulumi up'
    : 'then type: sluice doctor --adopt'
  return new Corrupt(
    `the newest parameter under ${place} is corrupt: ${what}; next: aws ssm delete-parameters --names $(aws ssm get-parameters-by-path --path ${place} --query 'Parameters[].Name' --output text), ${path}`,
  )
}
