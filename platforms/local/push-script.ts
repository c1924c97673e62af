import { findProgram } from '../../tools/programs.ts'
import type { Layout } from './layout.ts'
import { stanzaOf } from './pgbackrest.ts'
import { shellWord } from './run-script.ts'
import { SEGMENT_BYTES } from './wal.ts'

/** What keeps a dead or full repository from stopping the database. */
export interface ArchiveLimits {
  /** WAL that may wait for the repository, in bytes; above it the oldest is given up. */
  waiting: number
  /** What stays free on the repository's disk, in bytes. */
  free: number
}

export const ARCHIVE_LIMITS: ArchiveLimits = { waiting: 1_073_741_824, free: 268_435_456 }

/**
 * What PostgreSQL runs for each WAL file, in its data folder, with the file's path. It fails while
 * the repository does not take the file, so that PostgreSQL keeps it and tries again; above the
 * limit it writes the file down as given up, and lets the database go on.
 */
export function pushScript(layout: Layout, system: string, limits: ArchiveLimits): string {
  const { config, failure, gaps, repository } = layout.archive
  const push = [findProgram('pgbackrest'), `--config=${config}`, `--stanza=${stanzaOf(system)}`]
  return `#!/bin/sh
# Written by Sluice; an edit by hand is undone by the next update.
umask 077
unset LD_LIBRARY_PATH
free=$(df -Pk ${shellWord(repository)} 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ "\${free:-${Math.ceil(limits.free / 1_024)}}" -lt ${Math.ceil(limits.free / 1_024)} ]; then
  said="only $free kB are free on the disk of the repository"
elif said=$(${push.map(shellWord).join(' ')} archive-push "$1" 2>&1); then
  rm -f ${shellWord(failure)}
  exit 0
fi
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
printf '%s %s\\n' "$at" "$(printf '%s' "$said" | tr '\\n' ' ' | cut -c -500)" > ${shellWord(failure)}
waiting=$(ls pg_wal/archive_status | grep -c '\\.ready$')
[ "$waiting" -gt ${Math.floor(limits.waiting / SEGMENT_BYTES)} ] || exit 1
printf '%s %s %s\\n' "\${1##*/}" "$at" ${shellWord(system)} >> ${shellWord(gaps)}
`
}
