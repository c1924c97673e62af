import { ApiError, type ClusterApi, type ClusterObject } from './api.ts'
import { leases, objectName, type Place, ROLLOUT_LABEL } from './names.ts'

export interface Lease extends ClusterObject {
  spec?: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    renewTime?: string
    acquireTime?: string
    leaseTransitions?: number
  }
}

/** So long a holder that does not renew keeps the lease. */
export const LEASE_SECONDS = 3

export const leasePath = (place: Place) => `${leases(place)}/${objectName(place, 'hook')}`

/** The pod that guards now; undefined where none ever did. */
export async function holderOf(api: ClusterApi, place: Place): Promise<string | undefined> {
  const lease = await api.find<Lease>(leasePath(place))
  return lease?.spec?.holderIdentity || undefined
}

/**
 * One candidate for the lease. Another's counts as over once it has not changed for its duration by
 * this process' own clock, so that no two clocks are compared.
 */
export class Candidate {
  readonly #api: ClusterApi
  readonly #place: Place
  readonly #identity: string
  #seen = { version: '', at: 0 }
  #held = false
  /** When it was last held for certain, of the monotonic clock. */
  heldAt = Number.NEGATIVE_INFINITY
  /**
   * How long nobody held it before this one took it, ms, by the renewal that the last holder wrote: two
   * clocks are compared, so it is told and decides nothing. Undefined where nobody ever held it.
   */
  vacantMs: number | undefined

  constructor(api: ClusterApi, place: Place, identity: string) {
    this.#api = api
    this.#place = place
    this.#identity = identity
  }

  /**
   * Takes or renews the lease.
   * @returns the holder: this one, or another
   * @throws Unavailable where the API server does not answer
   */
  async hold(now = performance.now()): Promise<string> {
    const lease = await this.#api.find<Lease>(leasePath(this.#place), { timeoutMs: 1_500 })
    const holder = lease?.spec?.holderIdentity
    const version = lease?.metadata.resourceVersion ?? ''
    if (version !== this.#seen.version) this.#seen = { version, at: now }
    const lasts = (lease?.spec?.leaseDurationSeconds ?? LEASE_SECONDS) * 1_000
    const isOver = !holder || now - this.#seen.at > lasts
    if (holder !== this.#identity && !isOver) return holder
    const at = new Date().toISOString().replace('Z', '000Z')
    const taken = holder !== this.#identity
    const body: Lease & object = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: objectName(this.#place, 'hook'),
        labels: { [ROLLOUT_LABEL]: this.#place.name },
        ...(lease ? { resourceVersion: version } : {}),
      },
      spec: {
        holderIdentity: this.#identity,
        leaseDurationSeconds: LEASE_SECONDS,
        renewTime: at,
        acquireTime: taken ? at : (lease?.spec?.acquireTime ?? at),
        leaseTransitions: (lease?.spec?.leaseTransitions ?? 0) + (taken && lease ? 1 : 0),
      },
    }
    try {
      if (lease) await this.#api.replace(leasePath(this.#place), body)
      else await this.#api.create(leases(this.#place), body)
      this.heldAt = now
      const renewed = Date.parse(lease?.spec?.renewTime ?? '')
      if (!this.#held && !Number.isNaN(renewed)) this.vacantMs = Math.max(0, Date.now() - renewed)
      this.#held = true
      return this.#identity
    } catch (error) {
      // Another was first.
      if (error instanceof ApiError && error.code === 409) return holder ?? 'another'
      throw error
    }
  }
}
