// Environment variables as commands that a POSIX shell may evaluate.

/** A value as one word of a POSIX shell, whatever is in it. */
export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`
}

/** One `export` a variable. */
export function shellExports(environment: NodeJS.ProcessEnv): string {
  return Object.entries(environment)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join('')
}
