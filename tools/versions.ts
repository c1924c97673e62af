// Versions as programs print them.

/** The first version number in what a program printed, such as '2.6.12' in 'HAProxy version 2.6.12-1'. */
export function parseVersion(text: string): string | undefined {
  return /(?<![\d.])v?(\d+(?:\.\d+){1,2})/.exec(text)?.[1]
}

/** Less than, equal to or greater than 0, as `a` is older than, equal to or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let index = 0; index < 3; index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Whether `version` is at least `least`; an unknown version is not. */
export function atLeast(version: string | undefined, least: string): boolean {
  return version !== undefined && compareVersions(version, least) >= 0
}
