/** The names of the databases that a restore makes beside a live one. */

const stamp = (now: Date) => now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()

/** What is restored, before it stands in the place of the live one. */
export function restoredName(database: string, now: Date): string {
  return `${shortened(database)}_restored_${stamp(now)}`
}

/** The former live one, which is kept. */
export function replacedName(database: string, now: Date): string {
  return `${shortened(database)}_replaced_${stamp(now)}`
}

/** PostgreSQL's names end after 63 bytes; 27 are for what stands behind. */
function shortened(name: string): string {
  return Buffer.byteLength(name) <= 36
    ? name
    : Buffer.from(name)
        .subarray(0, 36)
        .toString('utf8')
        .replace(/\uFFFD+$/, '')
}
