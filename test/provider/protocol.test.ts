import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import grpc from '@grpc/grpc-js'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LOOK_MS, ORPHAN_GRACE_MS } from '../../provider/protocol/serve.ts'
import {
  type Context,
  Partial,
  type Props,
  type Provider,
  type ResourceType,
  UNKNOWN,
} from '../../provider/protocol.ts'
import { Engine, refusal, start, startListener, startOrphanable, urnOf } from './harness.ts'

const THING = 'sluice:index:Thing'
const open: { close(): void }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

async function serving(type: { [K in keyof ResourceType]?: ResourceType[K] }, address?: string) {
  const create = async (_: Context, inputs: Props) => ({ id: 'id', outputs: inputs })
  const started = await start({ [THING]: { create, ...type } }, address)
  open.push(started.provider)
  return started as { provider: Provider; engine: Engine }
}

const update: ResourceType['update'] = async (_ctx, _id, _olds, news) => news

describe('Diff', () => {
  it('names each leaf that differs from what the state says was reached', async () => {
    const { engine } = await serving({ update })
    const state = {
      weights: { blue: 40, green: 60 },
      rules: [{ host: 'a', id: 'r-1' }, { host: 'b' }],
      verifiedAt: 'then',
    }
    const wanted = {
      weights: { blue: 80, green: 20 },
      rules: [{ host: 'c' }],
      tags: { 'sluice.dev/step': 'api@25' },
    }
    // The old inputs are from before a partial update; they must not be what is compared.
    const answer = await engine.diff(THING, state, wanted, { weights: { blue: 10, green: 90 } })
    expect(answer).toMatchObject({ changed: true, detailed: true, inputDiffs: false, replaces: [] })
    expect(answer.leaves).toEqual({
      'weights.blue': 'UPDATE',
      'weights.green': 'UPDATE',
      'rules[0].host': 'UPDATE',
      'rules[1]': 'DELETE',
      tags: 'ADD',
    })
  })

  it('finds nothing where the outputs only have more than was asked for', async () => {
    const { engine } = await serving({ update })
    const inputs = { weights: { green: 5 }, none: null }
    const state = { weights: { green: 5, total: 100 }, arn: 'x' }
    expect(await engine.diff(THING, state, inputs, inputs)).toMatchObject({
      changed: false,
      leaves: {},
    })
  })

  it('tells a key that was dropped from one that nobody asked for', async () => {
    const { engine } = await serving({ update })
    const before = { tags: { a: '1', 'b.c': '2' } }
    const state = { tags: { a: '1', 'b.c': '2', added: 'by the platform' } }
    const answer = await engine.diff(THING, state, { tags: { a: '1' } }, before)
    expect(answer.leaves).toEqual({ 'tags["b.c"]': 'DELETE' })
  })

  it('counts an unknown as a change', async () => {
    const { engine } = await serving({ update })
    const answer = await engine.diff(THING, { arn: 'x' }, { arn: UNKNOWN }, { arn: 'x' })
    expect(answer.leaves).toEqual({ arn: 'UPDATE' })
  })

  it('replaces on the paths that say so, and on all where there is no update', async () => {
    const { engine } = await serving({ update, replaceOn: ['where.name'] })
    const [state, wanted] = [
      { where: { name: 'a', zone: 1 }, size: 1 },
      { where: { name: 'b', zone: 2 }, size: 2 },
    ]
    const some = await engine.diff(THING, state, wanted, state)
    expect(some.replaces).toEqual(['where'])
    expect(some.leaves).toEqual({
      'where.name': 'UPDATE_REPLACE',
      'where.zone': 'UPDATE',
      size: 'UPDATE',
    })
    const { engine: fixed } = await serving({})
    const all = await fixed.diff(THING, state, wanted, state)
    expect(all.replaces).toEqual(['size', 'where'])
  })

  it('adds what the type finds by itself, and never loses a change to it', async () => {
    let answer: { changed: boolean; paths?: string[] } = { changed: true, paths: ['live.green'] }
    const { engine } = await serving({ update, diff: async () => answer })
    const same = { green: 5 }
    expect((await engine.diff(THING, same, same, same)).leaves).toEqual({ 'live.green': 'UPDATE' })
    answer = { changed: true }
    expect(await engine.diff(THING, same, same, same)).toMatchObject({ changed: true, leaves: {} })
    answer = { changed: false }
    expect((await engine.diff(THING, same, { green: 10 }, same)).changed).toBe(true)
  })

  it('leaves out what the program ignores', async () => {
    const { engine } = await serving({ update })
    const state = { weights: { green: 5 }, size: 1 }
    const wanted = { weights: { green: 10 }, size: 2 }
    const answer = await engine.diff(THING, state, wanted, state, ['weights'])
    expect(answer.leaves).toEqual({ size: 'UPDATE' })
  })
})

describe('A preview', () => {
  it('shows inputs, computed outputs as unknown, and what the type can tell already', async () => {
    const create = vi.fn()
    const { engine } = await serving({
      computed: ['arn', 'at'],
      plan: async () => ({ at: 'api@5' }),
      create,
    })
    const { id, outputs } = await engine.create(THING, { green: 5 }, true)
    expect({ id, outputs }).toEqual({ id: '', outputs: { green: 5, arn: UNKNOWN, at: 'api@5' } })
    expect(create).not.toHaveBeenCalled()
  })

  it('keeps the outputs of an update that it does not know to change', async () => {
    const { engine } = await serving({ update, computed: ['arn'] })
    const planned = await engine.update(
      THING,
      { green: 5, arn: 'x', dropped: 1 },
      { green: 10 },
      true,
      { green: 5, dropped: 1 },
    )
    expect(planned).toEqual({ green: 10, arn: 'x' })
  })

  it('passes unknowns through Check, and by them Check knows that it is one', async () => {
    const seen: unknown[] = []
    const { engine } = await serving({
      async check(ctx, _olds, news) {
        seen.push(ctx.preview)
        return { inputs: { ...news, step: 2 } }
      },
    })
    await engine.check(THING, {}, { arn: 'x' })
    const typed = '3eeb2bf0-c639-47a8-9e75-3b44932eb421'
    const { inputs } = await engine.check(THING, {}, { arn: UNKNOWN, all: [typed] })
    expect(inputs).toEqual({ arn: UNKNOWN, all: [UNKNOWN], step: 2 })
    expect(seen).toEqual([undefined, true])
  })

  it('is over once something is really created', async () => {
    const seen: unknown[] = []
    const { engine } = await serving({
      async check(ctx, _olds, news) {
        seen.push(ctx.preview)
        return { inputs: news }
      },
    })
    await engine.create(THING, { green: 5 }, true)
    await engine.check(THING, {}, {})
    await engine.create(THING, { green: 5 })
    await engine.check(THING, {}, {})
    expect(seen).toEqual([true, false])
  })
})

describe('Check', () => {
  it('refuses with every reason, each with all its lines', async () => {
    const failures = [
      { property: 'step', reason: 'api@25 is held by\n  - bake: 3 h left\n  - parity: 98 %' },
      { property: '', reason: 'no guard' },
    ]
    const { engine } = await serving({ check: async (_, __, inputs) => ({ inputs, failures }) })
    expect((await engine.check(THING, {}, { step: 2 })).failures).toEqual(failures)
  })

  it('gets the previous inputs, or none where there are none', async () => {
    const check = vi.fn(async (_: Context, __: Props | undefined, inputs: Props) => ({ inputs }))
    const { engine } = await serving({ check })
    await engine.check(THING, {}, { step: 1 })
    await engine.check(THING, { step: 1 }, { step: 2 })
    expect(check.mock.calls.map(([, olds]) => olds)).toEqual([undefined, { step: 1 }])
  })

  it('unwraps secrets and outputs that the engine sends all the same', async () => {
    const signature = '4dabf18193072939515e22adb298388d'
    const secret = { [signature]: '1b47061264138c4ac30d75fd1eb44270', value: { url: 'u' } }
    const output = { [signature]: 'd0e6a833031e9bbcd3f4e8bde6ca49a4', secret: true }
    const { engine } = await serving({})
    const { inputs } = await engine.check(THING, {}, { list: [secret], output })
    expect(inputs).toEqual({ list: [{ url: 'u' }], output: UNKNOWN })
  })

  it('knows which resource and which configuration it is about', async () => {
    let seen: Context | undefined
    const { engine } = await serving({
      async check(ctx, _, inputs) {
        seen = ctx
        return { inputs }
      },
    })
    await engine.configure({ platform: 'local' })
    await engine.check(THING, {}, {})
    expect(seen).toMatchObject({
      urn: urnOf(THING),
      name: 'one',
      type: THING,
      config: { platform: 'local' },
    })
  })
})

describe('Create and Update', () => {
  it('echo the inputs of which the handler says nothing, so that the next diff is empty', async () => {
    const { engine } = await serving({
      create: async () => ({ id: 'x', outputs: { arn: 'a' } }),
      update: async () => ({ arn: 'b' }),
    })
    const created = await engine.create(THING, { green: 5 })
    expect(created).toEqual({ id: 'x', outputs: { green: 5, arn: 'a' } })
    expect(await engine.update(THING, { green: 5, arn: 'a' }, { green: 10 })).toEqual({
      green: 10,
      arn: 'b',
    })
  })

  it('that came half the way leave in the state what was reached', async () => {
    const { engine } = await serving({
      create: async () => {
        throw new Partial('only 20 of 25', 'one', { green: 20 })
      },
      update: async () => {
        throw new Partial('only 60 of 90', 'other', { green: 60 })
      },
    })
    expect((await refusal(engine.create(THING, { green: 25 }))).reached).toEqual({
      id: 'one',
      outputs: { green: 20 },
      reasons: ['only 20 of 25'],
    })
    const { reached } = await refusal(engine.update(THING, { green: 25, arn: 'a' }, { green: 90 }))
    // The id is the resource's own, whatever the handler says.
    expect(reached).toMatchObject({ id: 'id', outputs: { green: 60, arn: 'a' } })
  })

  it('that throw answer with the message alone', async () => {
    const { engine } = await serving({
      create: async () => {
        throw new Error('latched:\n  trip 1 at api@25')
      },
    })
    expect(await refusal(engine.create(THING, {}))).toEqual({
      // Not UNKNOWN: that would make the engine doubt its state.
      code: grpc.status.FAILED_PRECONDITION,
      details: 'latched:\n  trip 1 at api@25',
      reached: undefined,
    })
  })

  it('refuse an output that is not JSON, by its path', async () => {
    const { engine } = await serving({
      create: async () => ({ id: 'x', outputs: { a: [{ b: Number.NaN }] } }),
    })
    expect((await refusal(engine.create(THING, {}))).details).toBe(
      'a[0].b: NaN is not a JSON value',
    )
  })

  it('carry values larger than the usual limit of a message', async () => {
    const { engine } = await serving({})
    const plan = 'x'.repeat(6_000_000)
    expect((await engine.create(THING, { plan })).outputs).toEqual({ plan })
  })
})

describe('Read', () => {
  it('returns inputs in the shape of the old ones', async () => {
    const { engine } = await serving({
      read: async () => ({ outputs: { weights: { green: 7, total: 100 }, arn: 'y' } }),
    })
    const read = await engine.read(
      THING,
      { weights: { green: 5, total: 100 }, confirmed: ['a'], arn: 'x' },
      { weights: { green: 5 }, confirmed: ['a'] },
    )
    expect(read).toEqual({
      id: 'id',
      outputs: { weights: { green: 7, total: 100 }, confirmed: ['a'], arn: 'y' },
      inputs: { weights: { green: 7 }, confirmed: ['a'] },
    })
  })

  it('has no id when the resource is gone', async () => {
    const { engine } = await serving({ read: async () => undefined })
    expect((await engine.read(THING, { a: 1 }, { a: 1 })).id).toBe('')
  })

  it('imports all outputs that are not computed as inputs', async () => {
    const { engine } = await serving({
      computed: ['arn'],
      read: async () => ({ outputs: { name: 'n', arn: 'x' } }),
    })
    expect((await engine.read(THING, {}, {})).inputs).toEqual({ name: 'n' })
  })
})

describe('The provider', () => {
  it('takes no secrets, references or outputs, and previews', async () => {
    const { engine } = await serving({})
    expect((await engine.handshake('127.0.0.1:1')).toObject()).toMatchObject({
      acceptSecrets: false,
      acceptResources: false,
      acceptOutputs: false,
    })
    expect((await engine.configure({})).getSupportspreview()).toBe(true)
  })

  it('refuses a type that it does not know, and lists those it does', async () => {
    const { engine } = await serving({})
    expect((await refusal(engine.check('sluice:index:Nothing', {}, {}))).details).toBe(
      `the sluice provider knows no type sluice:index:Nothing; it knows ${THING}`,
    )
  })

  it('stops its handlers when the engine cancels', async () => {
    const begun = Promise.withResolvers<void>()
    const { engine, provider } = await serving({
      async update(ctx) {
        begun.resolve()
        await once(ctx.signal, 'abort')
        throw new Partial('stopped at 60', 'id', { green: 60 })
      },
      async create(ctx) {
        ctx.signal.throwIfAborted()
        return { id: 'never', outputs: {} }
      },
    })
    const failed = refusal(engine.update(THING, { green: 25 }, { green: 90 }))
    await begun.promise
    await engine.cancel()
    expect((await failed).reached?.outputs).toEqual({ green: 60 })
    await provider.idle()
    expect((await refusal(engine.create(THING, {}))).code).toBe(grpc.status.CANCELLED)
  })

  it('speaks to the person at the engine, in order, about the resource', async () => {
    const listener = await startListener()
    open.push(listener)
    const { engine } = await serving({
      async create(ctx) {
        ctx.progress('10 %')
        ctx.progress('20 %')
        await ctx.warn('slow')
        await ctx.info('done')
        return { id: 'id', outputs: {} }
      },
    })
    await engine.handshake(listener.address)
    await engine.create(THING, {})
    const said = listener.heard.map((each) => [
      each.urn,
      each.severity,
      each.message,
      each.ephemeral,
    ])
    expect(said).toEqual([
      [urnOf(THING), 1, '10 %', true],
      [urnOf(THING), 1, '20 %', true],
      [urnOf(THING), 2, 'slow', false],
      [urnOf(THING), 1, 'done', false],
    ])
  })

  it('carries on when nobody listens', async () => {
    const { engine } = await serving(
      {
        async create(ctx) {
          ctx.progress('10 %')
          await ctx.info('done')
          return { id: 'id', outputs: {} }
        },
      },
      '127.0.0.1:1',
    )
    expect((await engine.create(THING, {})).id).toBe('id')
  })
})

describe('A served provider', () => {
  const slow = fileURLToPath(new URL('./fixtures/slow-provider.ts', import.meta.url))

  it.each([
    { handler: 'one that listens', stubborn: false, left: 'the engine is gone' },
    { handler: 'one that does not', stubborn: true, left: 'begun' },
  ])('is gone within a second after its parent, with $handler running', async (sample) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
    const file = join(folder, 'said')
    const { parent, port } = await startOrphanable(slow)
    const engine = new Engine(port)
    const call = refusal(engine.create('slow:index:Thing', { file, stubborn: sample.stubborn }))
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('begun'), 30_000)

    // What it allows itself; how long a busy machine takes to end it is the machine's.
    expect(LOOK_MS + ORPHAN_GRACE_MS).toBeLessThan(1000)
    parent.kill('SIGKILL')
    await once(parent.stdout!, 'close')
    await call
    expect(readFileSync(file, 'utf8')).toBe(sample.left)
    engine.raw.close()
    rmSync(folder, { recursive: true })
  })
})
