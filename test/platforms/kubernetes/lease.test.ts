import { describe, expect, it } from 'vitest'
import type { ClusterApi } from '../../../platforms/kubernetes/api.ts'
import { Candidate, LEASE_SECONDS, type Lease } from '../../../platforms/kubernetes/lease.ts'

const place = { name: 'shop', namespace: 'default' }

/** An API server that keeps one lease. */
function apiWith(lease: Lease | undefined): ClusterApi {
  const keep = async (_path: string, body: Lease) => {
    lease = { ...body, metadata: { ...body.metadata, resourceVersion: String(Math.random()) } }
    return lease
  }
  const api = { find: async () => lease, replace: keep, create: keep }
  return api as unknown as ClusterApi
}

const heldBy = (holderIdentity: string, agoMs: number): Lease => ({
  metadata: { name: 'sluice-shop-hook', resourceVersion: '1' },
  spec: {
    holderIdentity,
    leaseDurationSeconds: LEASE_SECONDS,
    renewTime: new Date(Date.now() - agoMs).toISOString(),
  },
})

describe('a candidate for the lease', () => {
  it('waits for a holder whose lease has not been seen to stand still for its duration', async () => {
    const candidate = new Candidate(apiWith(heldBy('other', 60_000)), place, 'own')
    expect(await candidate.hold(0)).toBe('other')
    expect(await candidate.hold(LEASE_SECONDS * 1_000)).toBe('other')
    expect(candidate.vacantMs).toBeUndefined()
    expect(await candidate.hold(LEASE_SECONDS * 1_000 + 1)).toBe('own')
  })

  it('knows for how long nobody held it, and does not count its own renewals', async () => {
    const candidate = new Candidate(apiWith(heldBy('own', 60_000)), place, 'own')
    expect(await candidate.hold(0)).toBe('own')
    expect(candidate.vacantMs).toBeGreaterThanOrEqual(60_000)
    const first = candidate.vacantMs
    expect(await candidate.hold(10)).toBe('own')
    expect(candidate.vacantMs).toBe(first)
  })

  it('is the first where there was no lease at all', async () => {
    const candidate = new Candidate(apiWith(undefined), place, 'own')
    expect(await candidate.hold(0)).toBe('own')
    expect(candidate.vacantMs).toBeUndefined()
  })
})
