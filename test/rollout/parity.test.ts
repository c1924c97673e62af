import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Answer, compareAnswers, judgeParity, MOST_DIFFERENCES } from '../../rollout/parity.ts'

function json(value: unknown, more: Partial<Answer> = {}): Answer {
  const headers = { 'content-type': 'application/json' }
  return { status: 200, headers, body: JSON.stringify(value), ...more }
}

function text(body: string, type = 'text/plain'): Answer {
  return { status: 200, headers: { 'content-type': type }, body }
}

describe('comparing two answers', () => {
  it('finds no difference between JSON of another order and spelling', () => {
    const green = json(0, { body: '{ "b": [1, 2.50],\n "a": null }' })
    expect(compareAnswers(json({ a: null, b: [1, 2.5] }), green)).toEqual([])
  })

  it('finds none between any JSON and itself, and one wherever a member is added', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(compareAnswers(json(value), json(value))).toEqual([])
        expect(compareAnswers(json({ value }), json({ value, more: 1 }))).toEqual([
          { path: '$.more', blue: 'nothing', green: '1' },
        ])
        expect(compareAnswers(json({ value }), json({ value, more: 1 }), ['$.more'])).toEqual([])
      }),
    )
  })

  it('names every place with what stands there', () => {
    const blue = json({ id: 1, items: [{ price: 10 }, { price: 20 }], 'a b': null })
    const green = json({ id: '1', items: [{ price: 11 }] }, { status: 201 })
    expect(compareAnswers(blue, green)).toEqual([
      { path: 'status', blue: '200', green: '201' },
      { path: '$.id', blue: '1', green: '"1"' },
      { path: '$.items[0].price', blue: '10', green: '11' },
      { path: '$.items[1]', blue: '{"price":20}', green: 'nothing' },
      { path: '$["a b"]', blue: 'null', green: 'nothing' },
    ])
  })

  it('passes over what may differ, and over nothing else', () => {
    const blue = json({ servedAt: 1, items: [{ id: 1, name: 'a' }], sub: { servedAt: 1 } })
    const green = json({ servedAt: 2, items: [{ id: 2, name: 'a' }], sub: { servedAt: 2 } })
    const found = compareAnswers(blue, green, ['$.servedAt', '$.items[*].id'])
    expect(found.map(({ path }) => path)).toEqual(['$.sub.servedAt'])
  })

  it('tells null, nothing, empty and 0 apart, and long numbers to their last digit', () => {
    expect(compareAnswers(json({ a: null }), json({}))).toHaveLength(1)
    expect(compareAnswers(json({ a: {} }), json({ a: [] }))).toHaveLength(1)
    expect(compareAnswers(json({ a: 0 }), json({ a: '' }))).toHaveLength(1)
    const long = (id: string) => json(0, { body: `{"id":${id}}` })
    expect(compareAnswers(long('12345678901234567890'), long('12345678901234567891'))).toEqual([
      { path: '$.id', blue: '"12345678901234567890"', green: '"12345678901234567891"' },
    ])
  })

  it('compares text exactly, and content types by what they mean', () => {
    expect(compareAnswers(text('a'), text('a'))).toEqual([])
    expect(compareAnswers(text('a'), text('a '))).toMatchObject([{ path: 'body' }])
    expect(compareAnswers(text('a'), text('a', 'text/html'))).toMatchObject([
      { path: 'content-type', blue: '"text/plain"', green: '"text/html"' },
    ])
    const spelled = { 'content-type': 'Application/JSON; charset=utf-8' }
    expect(compareAnswers(json(1), json(1, { headers: spelled }))).toEqual([])
    expect(compareAnswers(json(1), json(1, { headers: {} }))).toMatchObject([
      { path: 'content-type', green: 'nothing' },
    ])
  })

  it('compares what calls itself JSON and is none as text', () => {
    expect(compareAnswers(json(1, { body: '{' }), json(1, { body: '{ ' }))).toMatchObject([
      { path: 'body' },
    ])
  })

  it('lists a bounded number of differences, each cut to a line', () => {
    const blue = json(Array.from({ length: 1_000 }, () => 'x'.repeat(500)))
    const found = compareAnswers(blue, json([]))
    expect(found).toHaveLength(MOST_DIFFERENCES)
    expect(found[0]?.blue.length).toBeLessThanOrEqual(80)
  })
})

describe('judging parity', () => {
  const same = { request: 'same', differences: [] }
  const differs = {
    request: 'price',
    differences: [{ path: '$.price', blue: '10', green: '11' }],
  }
  const away = { request: 'gone', differences: [], error: 'green gave no answer' }

  it('is inconclusive without a request', () => {
    expect(judgeParity([])).toEqual({ result: 'inconclusive', reason: 'no request was compared' })
  })

  it('passes at the share that is asked for, and fails below with the first differences', () => {
    expect(judgeParity([same, same])).toEqual({
      result: 'passed',
      reason: '2 of 2 requests had the same answer (100%), 100% must',
    })
    expect(judgeParity([same, differs])).toEqual({
      result: 'failed',
      reason:
        '1 of 2 requests had the same answer (50%), 100% must; price: $.price blue 10, green 11',
    })
    expect(judgeParity([same, same, differs], 2 / 3).result).toBe('passed')
    expect(judgeParity([same, differs, differs], 2 / 3).result).toBe('failed')
  })

  it('names three that differ and counts the others', () => {
    expect(judgeParity([differs, differs, differs, differs, differs]).reason).toMatch(
      /; and 2 more$/,
    )
  })

  it('stays open while requests that were not compared could decide it', () => {
    expect(judgeParity([same, away])).toEqual({
      result: 'inconclusive',
      reason:
        '1 of 2 requests had the same answer (50%), 100% must; not compared: gone: green gave no answer',
    })
    expect(judgeParity([same, away, differs]).result).toBe('failed')
    expect(judgeParity([same, same, away], 0.5).result).toBe('passed')
  })

  it('never says 100% of what is not all', () => {
    const results = [...Array.from({ length: 100_000 }, () => same), differs]
    expect(judgeParity(results).reason).toContain('(99.99%)')
  })
})
