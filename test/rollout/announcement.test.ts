import { expect, it } from 'vitest'
import { announcementText } from '../../rollout/announcement.ts'

const measured = {
  green: { auth: { requests: 900, errors: 0, p95: 0.08 }, web: { requests: 9, errors: 0 } },
  baselines: { auth: { requests: 500, errors: 0, p95: 0.1 } },
}

it('an announcement takes the gain that was measured, of the services that it is about', () => {
  const gain = 'p95 of auth 80ms, before 100ms (-20%, better)'
  expect(announcementText('Auth migrated, {gain}.', ['auth', 'web'], measured)).toBe(
    `Auth migrated, ${gain}.`,
  )
})

it('an announcement says where nothing was measured, and else is told as it is written', () => {
  expect(announcementText('Done: {gain}', ['web'], measured)).toBe(
    'Done: performance was not measured',
  )
  expect(announcementText('Done, {all}', ['auth'], measured)).toBe('Done, {all}')
})
