import { expect, it } from 'vitest'
import { attemptIn } from '../../cli/last-attempt.ts'

it('reads the attempt of the last update out of an exported state', () => {
  const resources = [
    { type: 'pulumi:pulumi:Stack', urn: 'urn:pulumi:e2e::sluice::pulumi:pulumi:Stack::sluice-e2e' },
    { type: 'sluice:index:Admission', inputs: { attempt: 2, position: 'start' } },
  ]
  expect(attemptIn(JSON.stringify({ version: 3, deployment: { resources } }))).toBe(2)
})

it.each([
  '',
  'no JSON',
  'null',
  '{}',
  '{"deployment":{}}',
  '{"deployment":{"resources":[{"type":"sluice:index:Admission"}]}}',
])('knows no attempt from %j', (state) => {
  expect(attemptIn(state)).toBeUndefined()
})
