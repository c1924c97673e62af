import { createHash } from 'node:crypto'

/** The first eight hex digits of the MD5 of a user's id, modulo 100. */
export function md5Bucket(user: string): number {
  return Number.parseInt(createHash('md5').update(user).digest('hex').slice(0, 8), 16) % 100
}
