/** Names and places of the write-ahead log, as PostgreSQL writes them. No I/O. */

/** Bytes of a WAL file, as initdb makes them. */
export const SEGMENT_BYTES = 16 * 1_024 * 1_024

/** `0/3027FC0` as a number. */
export function lsnValue(lsn: string): bigint {
  const parts = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(lsn)
  if (!parts) throw new Error(`${JSON.stringify(lsn)} is no place in the write-ahead log`)
  return (BigInt(`0x${parts[1]}`) << 32n) + BigInt(`0x${parts[2]}`)
}

/** True for the name of a WAL file: 24 hexadecimal digits. */
export const isSegment = (name: string) => /^[0-9A-F]{24}$/.test(name)

/** The number of a WAL file on its timeline. */
export function segmentNumber(name: string): bigint {
  const perLog = 0x1_0000_0000n / BigInt(SEGMENT_BYTES)
  return BigInt(`0x${name.slice(8, 16)}`) * perLog + BigInt(`0x${name.slice(16)}`)
}

/** Where a WAL file ends. */
export function segmentEnd(name: string): bigint {
  return (segmentNumber(name) + 1n) * BigInt(SEGMENT_BYTES)
}

/** A WAL file that was given up, and when. */
export interface Gap {
  segment: string
  /** ISO 8601, UTC. */
  at: string
}

/**
 * Reads the file of gaps: `<segment> <time> <system identifier>` a line.
 * @param system the cluster that is asked for: another one counts its files anew
 */
export function parseGaps(text: string, system: string): Gap[] {
  return text.split('\n').flatMap((line) => {
    const [segment = '', at = '', of] = line.trim().split(' ')
    return isSegment(segment) && of === system ? [{ segment, at }] : []
  })
}

/** The gaps that a restore from a base backup would come upon. */
export function gapsAfter(gaps: readonly Gap[], base: { start: string }): Gap[] {
  return gaps.filter(({ segment }) => segmentNumber(segment) >= segmentNumber(base.start))
}
