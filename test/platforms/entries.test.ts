import { expect, it } from 'vitest'
import { arrived } from '../../platforms/operations/entries.ts'
import { NOW, world } from '../rollout/world.ts'

it('a position that is come to again is judged again: its former verdicts are over', () => {
  const { journal } = world('api@50')
  expect(journal.verdicts.map(({ gate }) => gate)).toEqual(['parity', 'approval'])
  const back = arrived(journal, 'api@10', { api: { blue: 90, green: 10 } }, NOW)
  expect(back.verdicts).toEqual(journal.verdicts)
  const again = arrived(back, 'api@50', journal.weights, NOW)
  expect(again).toMatchObject({ verdicts: [], guardedMs: 0, green: {} })
  const later = arrived({ ...back, attempt: 2 }, 'api@50', journal.weights, NOW)
  expect(later.verdicts).toEqual(journal.verdicts)
})
