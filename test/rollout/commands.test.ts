import { describe, expect, it } from 'vitest'
import {
  type CommandRecord,
  commandOf,
  keyOfRound,
  roundOf,
  withCommand,
  withEnd,
  withHandle,
} from '../../rollout/commands.ts'
import type { Journal } from '../../rollout/journal.ts'

const at = '2026-11-21T22:00:00.000Z'
const journalOf = (commands?: CommandRecord[]) => ({ commands }) as Journal
const begun = (key: string, token = 'a'): CommandRecord => ({ key, token, startedAt: at })
const ended = (key: string, ok: boolean) => ({ ...begun(key), end: { ok, reason: '' } })

describe('a command that runs elsewhere', () => {
  it('is what the first has written down, whoever comes after', () => {
    const first = withCommand(journalOf(), begun('x', 'a'))
    expect(withCommand(first, begun('x', 'b'))).toBe(first)
    expect(commandOf(first, 'x')?.token).toBe('a')
  })

  it('is known by its first handle, from which its time counts', () => {
    const later = '2026-11-21T22:05:00.000Z'
    const started = withHandle(withCommand(journalOf(), begun('x')), 'x', 'task/1', later)
    expect(commandOf(started, 'x')).toMatchObject({ handle: 'task/1', startedAt: later })
    expect(withHandle(started, 'x', 'task/2', at)).toBe(started)
  })

  it('has one end', () => {
    const over = withEnd(withCommand(journalOf(), begun('x')), 'x', { ok: false, reason: 'no' })
    expect(withEnd(over, 'x', { ok: true, reason: 'yes' })).toBe(over)
    expect(withEnd(over, 'unknown', { ok: true, reason: 'yes' })).toBe(over)
  })

  it('is forgotten after thirty others, but never while it runs', () => {
    const many = Array.from({ length: 40 }, (_, n) => ended(`old ${n}`, true))
    const journal = withCommand(journalOf([begun('runs'), ...many]), begun('new'))
    expect(commandOf(journal, 'runs')).toBeDefined()
    expect(commandOf(journal, 'old 39')).toBeDefined()
    expect(commandOf(journal, 'old 0')).toBeUndefined()
    expect(journal.commands).toHaveLength(32)
  })

  it('is run anew, with all that belongs to it, after one of a round has failed', () => {
    const of = (part: number, round = 1) => keyOfRound('gate suite', round, part)
    expect(roundOf(journalOf(), 'gate suite')).toBe(1)
    expect(roundOf(journalOf([ended(of(0), true), begun(of(1))]), 'gate suite')).toBe(1)
    expect(roundOf(journalOf([ended(of(0), true), ended(of(1), false)]), 'gate suite')).toBe(2)
    expect(roundOf(journalOf([ended(of(0, 11), false)]), 'gate suite')).toBe(12)
    expect(roundOf(journalOf([ended('gate suite two#4/0', false)]), 'gate suite')).toBe(1)
  })
})
