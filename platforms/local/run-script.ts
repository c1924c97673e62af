/** What a supervised program is. */
export interface ServiceSpec {
  /** Program and arguments; no shell reads them. A bare name is looked up on the supervisor's PATH. */
  command: string[]
  /** All that it is given besides PATH, HOME and the like; kept in a file that only its owner reads. */
  environment: Record<string, string>
  cwd: string
  /** An unprivileged user where the caller is root; nothing where it is not. */
  user?: 'postgres'
  /** What ends it; default TERM. */
  stopSignal?: Signal
  /** What it gets when its supervisor is gone; default: the stop signal where named, else KILL. */
  deathSignal?: Signal
  /** Files it needs, by their path within the home; written before it starts, mode 0600. */
  files?: Record<string, string>
}

export type Signal = 'TERM' | 'INT' | 'QUIT' | 'HUP' | 'KILL'

/** The user and group that PostgreSQL runs as where the caller is root: nobody's. */
export const UNPRIVILEGED = 65_534

/** What a run script needs to know of this host. */
export interface Host {
  root: boolean
  /** The path of setpriv; none on systems without it. */
  setpriv?: string
}

/**
 * One word of a POSIX shell, whatever is in it.
 * @throws Error for a NUL, which no argument can hold
 */
export function shellWord(value: string): string {
  if (value.includes('\0')) throw new Error(`${JSON.stringify(value)} has a NUL byte; take it out`)
  return `'${value.replaceAll("'", `'\\''`)}'`
}

/** The `run` script: from the folder, with the environment, as the user, under a death signal. */
export function runScript(spec: ServiceSpec, environmentFile: string, host: Host): string {
  const words = [...privileges(spec, host), ...spec.command].map(shellWord)
  return [
    '#!/bin/sh',
    '# Written by Sluice; an edit by hand is undone by the next update.',
    'exec 2>&1',
    'umask 077',
    '# It belongs to the supervisor, which may have been unpacked with its libraries.',
    'unset LD_LIBRARY_PATH',
    `. ${shellWord(environmentFile)}`,
    `cd ${shellWord(spec.cwd)} || exit 111`,
    `exec ${words.join(' ')}`,
    '',
  ].join('\n')
}

/**
 * The environment as exports.
 * @throws Error for a name that is none, or that belongs to the supervisor
 */
export function environmentFile(environment: Record<string, string>): string {
  return Object.entries(environment)
    .map(([name, value]) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        throw new Error(
          `environment: ${JSON.stringify(name)} is no name of a variable; next: use letters, digits and _`,
        )
      }
      if (name === 'SLUICE_ROOT') {
        throw new Error('environment: SLUICE_ROOT marks what belongs to a home; next: take it out')
      }
      return `export ${name}=${shellWord(value)}\n`
    })
    .join('')
}

/** The script that ends the program; where it fails, runit sends TERM itself. */
export function stopScript(signal: Signal = 'TERM'): string {
  return `#!/bin/sh\nexec kill -${signal} "$(cat supervise/pid)"\n`
}

/** The `log/run` script: bounded files of 1 MB, ten of them, with times in UTC. */
export function logScript(svlogd: string, folder: string): string {
  return `#!/bin/sh\nexec ${shellWord(svlogd)} -tt ${shellWord(folder)}\n`
}

/** Where there is no svlogd: appends to one file, which is put aside at a start above 10 MB. */
export function withPlainLog(script: string, file: string): string {
  const path = shellWord(file)
  const lines = [
    `[ "$(wc -c < ${path} 2>/dev/null || echo 0)" -lt 10000000 ] || mv -f ${path} ${shellWord(`${file}.1`)}`,
    `exec >> ${path} 2>&1`,
  ]
  return script.replace('exec 2>&1', () => lines.join('\n'))
}

function privileges(spec: ServiceSpec, { root, setpriv }: Host): string[] {
  const drops = spec.user === 'postgres' && root
  if (!setpriv) {
    if (!drops) return []
    throw new Error(
      'PostgreSQL refuses root, and setpriv is not here to give it up; next: run Sluice as an ordinary user',
    )
  }
  const death = spec.deathSignal ?? spec.stopSignal ?? 'KILL'
  const user = drops ? [`--reuid=${UNPRIVILEGED}`, `--regid=${UNPRIVILEGED}`, '--clear-groups'] : []
  return [setpriv, ...user, '--pdeathsig', death, '--']
}
