import { isIP } from 'node:net'

/**
 * One word of a HAProxy configuration. In single quotes nothing has a meaning but the quote
 * itself, which cannot stand in them.
 * @param place where the value stands in the plan, for the message
 * @throws Error for what no quoting can carry
 */
export function quoteWord(value: string, place: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/['\u0000-\u001f\u007f]/.test(value)) {
    throw new Error(
      `${place}: ${JSON.stringify(value)} has a quote or a control character, which the router's configuration cannot carry; next: take it out`,
    )
  }
  return /^[A-Za-z0-9_./:@-]+$/.test(value) ? value : `'${value}'`
}

/**
 * A name that stands bare: of a proxy, a server, a header, a cookie.
 * @throws Error where it has other characters
 */
export function plainName(value: string, place: string): string {
  if (/^[A-Za-z0-9_-]{1,128}$/.test(value)) return value
  throw new Error(
    `${place}: ${JSON.stringify(value)} is no name for the router; next: use letters, digits, - and _`,
  )
}

/**
 * A path of the home that stands inside the argument of a converter, where a comma, a bracket or
 * a space would end it.
 */
export function plainPath(path: string): string {
  if (/^\/[A-Za-z0-9_./@+=~-]+$/.test(path)) return path
  throw new Error(
    `the home ${path} has characters that the router cannot carry; next: choose a home of letters, digits and _ . @ + = ~ - (sluice:home, or SLUICE_HOME)`,
  )
}

/** Where a server is, and whether its name has to be asked for while the router runs. */
export interface Address {
  text: string
  resolve: boolean
}

/**
 * The address of `http://host:port`.
 * @throws Error for anything that a server line cannot say: a path, a user, another protocol
 */
export function addressOf(url: string, place: string): Address {
  const refuse = (what: string): never => {
    throw new Error(
      `${place}: ${JSON.stringify(url)} ${what}; next: give an address such as http://127.0.0.1:9001`,
    )
  }
  if (!URL.canParse(url)) refuse('is no address')
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(url)
  if (protocol !== 'http:') refuse('is not http')
  if (username || password) refuse('has a user or a password')
  if (pathname !== '/' || search || hash) {
    refuse('has a path, which a route cannot add to requests')
  }
  const bare = hostname.replace(/^\[|\]$/g, '')
  const numeric = isIP(bare) !== 0
  if (!numeric && !/^[A-Za-z0-9_.-]+$/.test(hostname)) refuse('has no plain host name')
  return { text: `${hostname}:${port || '80'}`, resolve: !numeric && hostname !== 'localhost' }
}

/** Checks the address that users reach: a name or an address, IPv6 in brackets, and a port. */
export function bindAddress({ address, port }: { address: string; port: number }): string {
  const fits = /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])$/.test(address) && port >= 1 && port <= 65_535
  if (fits) return `${address}:${port}`
  throw new Error(
    `local.listen: ${JSON.stringify(`${address}:${port}`)} is no address; next: give one such as 127.0.0.1:8380`,
  )
}
