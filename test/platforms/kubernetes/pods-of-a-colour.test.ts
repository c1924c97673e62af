import { expect, it } from 'vitest'
import { addressesIn, type EndpointSlice } from '../../../platforms/kubernetes/endpoints.ts'
import { startSeconds, workingSetBytes } from '../../../platforms/kubernetes/pod-figures.ts'

const slice = (ports: EndpointSlice['ports'], ...endpoints: [string, boolean?][]) => ({
  metadata: { name: 'slice' },
  addressType: 'IPv4',
  ports,
  endpoints: endpoints.map(([address, ready]) => ({
    addresses: [address],
    conditions: ready === undefined ? {} : { ready },
  })),
})

it('each ready pod of a colour is one address, whatever number of slices tells of it', () => {
  const http = [{ name: 'http', port: 8080 }]
  const found = addressesIn([
    slice(http, ['10.0.0.2', true], ['10.0.0.9', false]),
    slice(http, ['10.0.0.1'], ['10.0.0.2', true]),
    { ...slice(http, ['fd00::1', true]), addressType: 'IPv6' },
    { ...slice(http, ['shop.example', true]), addressType: 'FQDN' },
  ])
  expect(found).toEqual(['http://10.0.0.1:8080', 'http://10.0.0.2:8080', 'http://[fd00::1]:8080'])
})

it('of a Service with several ports the one that the plan gives is asked, and never another', () => {
  const two = slice(
    [
      { name: 'web', port: 80 },
      { name: 'admin', port: 9000 },
    ],
    ['10.0.0.1', true],
  )
  expect(addressesIn([two], 9000)).toEqual(['http://10.0.0.1:9000'])
  expect(addressesIn([two], 81)).toEqual([])
})

const status = (ready: string, restartCount = 0) => ({
  conditions: [{ type: 'Ready', status: ready, lastTransitionTime: '2026-05-01T12:00:07Z' }],
  containerStatuses: [{ restartCount, state: { running: { startedAt: '2026-05-01T12:00:03Z' } } }],
})

it('a start is told from the container to ready, and not of one that was restarted or is not ready', () => {
  expect(startSeconds(status('True'))).toBe(4)
  expect(startSeconds(status('False'))).toBeUndefined()
  expect(startSeconds(status('True', 1))).toBeUndefined()
  expect(startSeconds(undefined)).toBeUndefined()
})

it.each([
  [['51200Ki'], 52_428_800],
  [['1Mi', '2M'], 3_048_576],
  [['1500'], 1_500],
] as const)('memory of %j is %i bytes', (quantities, bytes) => {
  expect(workingSetBytes(quantities)).toBe(bytes)
})

it('what is no quantity is no memory', () => {
  expect(() => workingSetBytes(['12XB'])).toThrow('12XB is no quantity')
})
