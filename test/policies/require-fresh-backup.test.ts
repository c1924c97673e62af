import { describe, expect, it } from 'vitest'
import { missingBackups } from '../../policies/require-fresh-backup.ts'
import { split } from '../../rollout/weights.ts'
import { compliantStack } from './compliant.ts'

const HOUR = 3_600_000

describe('require-fresh-backup', () => {
  it('finds nothing wrong with a compliant stack', async () => {
    const { resources } = await compliantStack()
    expect(missingBackups(resources, HOUR)).toEqual([])
  })

  it('misses a backup that the stack does not declare', async () => {
    const { resources } = await compliantStack()
    const without = resources.filter(({ type }) => !type.endsWith('Backup'))
    expect(missingBackups(without, HOUR)).toEqual([
      'weights rise (huntred: blue 90 → 75, green 10 → 25) without a backup that counts: the stack does not declare huntred (sluice:index:Backup); the stack does not declare huntred-v2 (sluice:index:Backup)',
    ])
  })

  it.each([
    ['is only listed', { verify: 'list' as const }, 'verify is list'],
    ['may be older than the bound', { maximumAge: HOUR + 1 }, 'give at most 1h'],
    ['is taken only before the first step', { before: 'first-step' as const }, 'every-step'],
  ])('does not count a backup that %s', async (_what, change, message) => {
    const { resources, admission } = await compliantStack()
    Object.assign(admission.plan.backups['huntred'] ?? {}, change)
    expect(missingBackups(resources, HOUR).join()).toContain(message)
  })

  it('counts a backup before the first step at the first step', async () => {
    const { resources, admission } = await compliantStack()
    Object.assign(admission.plan.backups['huntred'] ?? {}, { before: 'first-step' })
    admission.previous = { huntred: split(0) }
    expect(missingBackups(resources, HOUR)).toEqual([])
  })

  it('misses any backup in a plan without one', async () => {
    const { resources, admission } = await compliantStack()
    admission.plan.backups = {}
    expect(missingBackups(resources, HOUR).join()).toContain('the plan has none')
  })

  it('asks for nothing where no weight rises', async () => {
    const { resources, admission } = await compliantStack()
    admission.plan.backups = {}
    admission.weights = { huntred: split(0) }
    expect(missingBackups(resources, HOUR)).toEqual([])
  })
})
