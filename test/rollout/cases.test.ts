import { describe, expect, it } from 'vitest'
import { checkCase, judgeCases, parseCases } from '../../rollout/cases.ts'

const [one] = parseCases(
  [
    {
      name: 'seniors',
      request: { method: 'POST', path: '/match', body: { years: 9 } },
      expect: { status: 200, json: { algorithm: 'enhanced', picks: [{ id: 1 }], best: null } },
    },
  ],
  'rules.yaml',
)
const answer = (value: unknown, status = 200) => ({ status, body: JSON.stringify(value) })

describe('a case', () => {
  it('is met by an answer that has more than it names', () => {
    const more = { algorithm: 'enhanced', picks: [{ id: 1, score: 0.9 }], best: null, ms: 12 }
    expect(checkCase(one!, answer(more))).toEqual([])
  })

  it('names every place that is not as expected, with both values', () => {
    const wrong = { algorithm: 'smart', picks: [{ id: 2 }] }
    expect(checkCase(one!, answer(wrong, 500))).toEqual([
      'status 500, expected 200',
      '$.algorithm is "smart", expected "enhanced"',
      '$.picks[0].id is 2, expected 1',
      '$.best is nothing, expected null',
    ])
  })

  it('takes a list of another length, or what is no JSON, for something else', () => {
    const picks = { algorithm: 'enhanced', picks: [], best: null }
    expect(checkCase(one!, answer(picks))).toEqual(['$.picks is [], expected [{"id":1}]'])
    expect(checkCase(one!, { status: 200, body: '<html>' })).toEqual([
      expect.stringMatching(/^no JSON but "<html>"/),
    ])
    expect(checkCase(one!, answer(null))).toEqual([expect.stringMatching(/^\$ is null/)])
  })

  it('finds no member that every object inherits', () => {
    const [inherited] = parseCases(
      [{ name: 'a', request: { path: '/' }, expect: { json: { constructor: 1 } } }],
      'a',
    )
    expect(checkCase(inherited!, answer({}))).toEqual(['$.constructor is nothing, expected 1'])
  })
})

describe('a table of cases', () => {
  const [passed, failed, open] = [
    { name: 'a', failures: [] },
    { name: 'b', failures: ['status 500, expected 200'] },
    { name: 'c', failures: [], error: 'no answer, ECONNREFUSED' },
  ]

  it('passes where every one does, and names each that does not', () => {
    expect(judgeCases([passed!, passed!])).toEqual({
      result: 'passed',
      reason: '2 of 2 cases were answered as expected',
    })
    expect(judgeCases([passed!, failed!, open!])).toEqual({
      result: 'failed',
      reason: '1 of 3 cases were answered as expected; b: status 500, expected 200',
    })
    expect(judgeCases([passed!, open!])).toEqual({
      result: 'inconclusive',
      reason: '1 of 2 cases were answered as expected; c: no answer, ECONNREFUSED',
    })
    expect(judgeCases([]).result).toBe('inconclusive')
  })

  it('says of a wrong file where it is wrong', () => {
    const messages = (value: unknown) => {
      try {
        parseCases(value, 'rules.yaml')
      } catch (error) {
        return (error as Error).message.split('\n')
      }
      return []
    }
    expect(messages([])).toEqual(['rules.yaml: has no case; give { name, request, expect }'])
    expect(
      messages([
        { name: 'a', request: { path: 'match' }, expect: { status: 200 } },
        { name: 'b', request: { path: '/', method: 'post' }, expect: {} },
      ]),
    ).toEqual([
      expect.stringMatching(/^rules\.yaml: \[0\]\.request\.path: give a path/),
      'rules.yaml: [1].request.method: give a method, such as POST',
      'rules.yaml: [1].expect: expects nothing; give a status, or json',
    ])
    const twice = { name: 'a', request: { path: '/' }, expect: { status: 200 } }
    expect(messages([twice, twice])).toEqual(['rules.yaml: two cases are called "a"; rename one'])
  })
})
