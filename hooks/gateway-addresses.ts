import { lookup } from 'node:dns/promises'

/** Names are looked up no more often; a name server that keeps what it knows is slower still. */
const AGAIN_MS = 1_000

/**
 * An address for each replica that names stand for: a headless Service has one a replica. What is
 * known serves on while names are looked up again, so that nobody waits for a name server.
 */
export class GatewayAddresses {
  #urls = ''
  #known: string[] = []
  #lookedUp = Number.NEGATIVE_INFINITY

  /** @throws Error where a name that was not known yet stands for nothing */
  async of(urls: readonly string[]): Promise<string[]> {
    if (urls.join() !== this.#urls) await this.#lookUp(urls)
    else if (performance.now() - this.#lookedUp > AGAIN_MS) this.#lookUp(urls).catch(() => {})
    return this.#known
  }

  async #lookUp(urls: readonly string[]): Promise<void> {
    this.#lookedUp = performance.now()
    const known = (await Promise.all(urls.map(addressesOf))).flat()
    this.#urls = urls.join()
    this.#known = known
  }
}

async function addressesOf(url: string): Promise<string[]> {
  const { hostname } = new URL(url)
  const found = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true })
  // A replica may have one of each family, and is counted once.
  const alike = found.filter(({ family }) => family === found[0]?.family)
  return alike.map(({ address, family }) => {
    const own = new URL(url)
    own.hostname = family === 6 ? `[${address}]` : address
    return own.href
  })
}
