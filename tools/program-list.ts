// The programs of the local platform: which, how new, and where they come from.

/** Programs that come together and must be of one installation. */
export type ProgramGroup = {
  /** The group's name, and the first part of its entry in the cache. */
  name: string
  /** The programs; the first one prints the version of all. */
  programs: string[]
  /** The oldest version that is known to work; none for a program that prints no version. */
  least?: string
  /** How the first program is asked for its version. */
  version: string[]
  /** All programs have to stand in one folder, as those of a database server. */
  together?: boolean
  /** Debian's packages that hold the programs. */
  debian: string[]
  /** Homebrew's formula. */
  brew: string
  /** Needed by the bench and the tests only. */
  benchOnly?: boolean
}

/** Every program that Sluice may start on the local platform. */
export const programGroups: ProgramGroup[] = [
  {
    name: 'haproxy',
    programs: ['haproxy'],
    least: '2.6',
    version: ['-v'],
    debian: ['haproxy'],
    brew: 'haproxy',
  },
  {
    name: 'prometheus',
    programs: ['prometheus', 'promtool'],
    least: '2.42',
    version: ['--version'],
    debian: ['prometheus'],
    brew: 'prometheus',
  },
  {
    name: 'postgresql',
    programs: ['postgres', 'initdb', 'pg_ctl', 'pg_dump', 'pg_restore', 'psql', 'createdb'],
    least: '15',
    version: ['--version'],
    together: true,
    debian: ['postgresql'],
    brew: 'postgresql',
  },
  {
    name: 'pgbackrest',
    programs: ['pgbackrest'],
    least: '2.45',
    version: ['version'],
    debian: ['pgbackrest'],
    brew: 'pgbackrest',
  },
  {
    name: 'runit',
    programs: ['runsvdir', 'runsv', 'sv', 'chpst', 'svlogd'],
    version: [],
    debian: ['runit'],
    brew: 'runit',
  },
  {
    name: 'wrk',
    programs: ['wrk'],
    version: ['-v'],
    debian: ['wrk'],
    brew: 'wrk',
    benchOnly: true,
  },
  {
    name: 'nginx',
    programs: ['nginx'],
    version: ['-v'],
    debian: ['nginx'],
    brew: 'nginx',
    benchOnly: true,
  },
]

/** The group that a program belongs to. */
export function groupOf(program: string): ProgramGroup | undefined {
  return programGroups.find((group) => group.programs.includes(program))
}
