import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Service } from '../../rollout/plan.ts'
import { greenOf, type ServiceWeights } from '../../rollout/weights.ts'

/** The router's rule for which colour a user gets, as a pure model of it. */

/** Places of users; green is whoever stands below 100 times its percent. */
const PLACES = 10_000

type Rule = Service['affinity']['bucket']

/** A user's place, from 0 to 9999; the same on every service of the same rule. */
export function placeOf(user: string, rule: Rule): number {
  if (rule === 'crc32') return avalanche(crc32(user)) % PLACES
  const digits = createHash('md5').update(user).digest('hex').slice(0, 8)
  return (Number.parseInt(digits, 16) % 100) * (PLACES / 100)
}

/** True where a user of this place gets green. */
export function isGreen(place: number, weights: ServiceWeights, service: string): boolean {
  return place < greenOf(weights, service) * (PLACES / 100)
}

/**
 * Spreads neighbouring values over all 32 bits, as HAProxy does for `crc32(1)`: full_hash in its
 * include/haproxy/tools.h, after http://burtleburtle.net/bob/hash/integer.html
 */
function avalanche(value: number): number {
  let a = value
  a = (a + 0x7ed55d16 + (a << 12)) >>> 0
  a = (a ^ 0xc761c23c ^ (a >>> 19)) >>> 0
  a = (a + 0x165667b1 + (a << 5)) >>> 0
  a = ((a + 0xd3a2646c) ^ (a << 9)) >>> 0
  a = (a + 0xfd7046c5 + (a << 3)) >>> 0
  a = (a ^ 0xb55a4f09 ^ (a >>> 16)) >>> 0
  return Math.imul(a, 3_221_225_473) >>> 0
}
