import { describe, expect, it } from 'vitest'
import { UNGUARDED_MS, unguardedNews } from '../../hooks/unguarded.ts'
import { split } from '../../rollout/weights.ts'

describe('a hook that guards again', () => {
  it('says nothing where it is the first, and where it took over from another replica', () => {
    expect(unguardedNews(undefined, { shop: split(10) })).toBeUndefined()
    expect(unguardedNews(UNGUARDED_MS, { shop: split(10) })).toBeUndefined()
  })

  it('tells people how long nobody guarded, and where green stood all the while', () => {
    const news = unguardedNews(75_000, { shop: split(10) })
    expect(news).toMatchObject({ kind: 'guard', severity: 'critical' })
    expect(news?.message).toContain('guarded for 1m 15s')
    expect(news?.message).toContain('(shop: blue 90, green 10)')
    expect(news?.message).toContain('next: sluice status')
  })

  it('is no emergency where green had nothing', () => {
    expect(unguardedNews(75_000, { shop: split(0) })?.severity).toBe('warning')
  })

  it('takes what cannot be read for the worse', () => {
    expect(unguardedNews(75_000, undefined)?.severity).toBe('critical')
  })
})
