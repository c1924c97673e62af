import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSent, judgeSent, sentSince } from '../../rollout/outbox.ts'

const mail = (to: string, more = {}) => ({ to, text: 'Hello', ...more })

describe('what was sent out since', () => {
  const none = { before: [], after: [] }

  it('is what the recorder lists now and did not list before, as often as it came', () => {
    const before = [mail('a'), mail('b')]
    const after = [mail('b'), mail('a'), mail('a'), mail('c')]
    expect(sentSince({ blue: { before, after }, green: none }, 'r')).toEqual({
      blue: [mail('a'), mail('c')],
      green: [],
    })
  })

  it('leaves out what came of another replay, and of users where a recorder tells', () => {
    const after = [
      mail('a', { replay: 'r' }),
      mail('user', { replay: null }),
      mail('b', { replay: 'other' }),
      mail('user too'),
    ]
    const green = { before: [], after: [mail('another user')] }
    expect(sentSince({ blue: { before: [], after }, green }, 'r')).toEqual({
      blue: [mail('a', { replay: 'r' })],
      green: [],
    })
  })
})

describe('comparing what two colours sent out', () => {
  it('finds no difference in another order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        (sent, order) => {
          const shuffled = sent
            .map((message) => ({ message, at: order.next().value }))
            .sort((a, b) => a.at - b.at)
            .map(({ message }) => message)
          expect(compareSent(sent, shuffled)).toEqual([])
        },
      ),
    )
  })

  it('names what only one of them sent, one sent twice among it', () => {
    expect(compareSent([mail('a'), mail('a'), mail('b')], [mail('c'), mail('a')])).toEqual([
      { sentBy: 'blue', message: mail('a') },
      { sentBy: 'blue', message: mail('b') },
      { sentBy: 'green', message: mail('c') },
    ])
  })

  it('ignores what may differ, and nothing else', () => {
    const [blue, green] = [mail('a', { at: 1 }), mail('a', { at: 2 })]
    expect(compareSent([blue], [green], ['$.at'])).toEqual([])
    expect(compareSent([blue], [green], ['$.to'])).toHaveLength(2)
    expect(
      compareSent([{ lines: [{ id: 1 }] }], [{ lines: [{ id: 2 }] }], ['$.lines[*].id']),
    ).toEqual([])
  })

  it('fails a gate with what is missing', () => {
    expect(judgeSent(2, []).result).toBe('passed')
    expect(judgeSent(1, compareSent([mail('a')], []))).toEqual({
      result: 'failed',
      reason: 'not sent out alike: only blue sent {"to":"a","text":"Hello"}, green did not',
    })
  })
})
