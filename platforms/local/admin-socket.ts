import { connect } from 'node:net'
import { Unavailable } from '../platform.ts'

/** How long the router may take to answer, in ms. */
const TIMEOUT_MS = 500

/** More connections at once than this wait; the router's default of 10 is shared with others. */
const AT_ONCE = 4

/** The router's admin socket: one connection a command, at most {@link AT_ONCE} at a time. */
export class AdminSocket {
  readonly #path: string
  #open = 0
  readonly #waiting: (() => void)[] = []
  constructor(path: string) {
    this.#path = path
  }

  /**
   * Sends commands and gives the text of all their answers, in their order.
   * @throws Unavailable where the router does not answer
   */
  async ask(...commands: string[]): Promise<string> {
    const line = commands.join('; ')
    if (/[\n\r\\]/.test(line)) throw new Error(`no command for the router: ${JSON.stringify(line)}`)
    if (this.#open >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#open += 1
    try {
      return await exchange(this.#path, `${line}\n`)
    } finally {
      this.#open -= 1
      this.#waiting.shift()?.()
    }
  }
}

function exchange(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    const fail = (why: string) => {
      socket.destroy()
      reject(
        new Unavailable(
          `the router does not answer on ${path}: ${why}; next: sluice doctor, or look into its log`,
        ),
      )
    }
    // The whole exchange counts, not the silence between two pieces of it.
    const timer = setTimeout(() => fail(`nothing for ${TIMEOUT_MS} ms`), TIMEOUT_MS)
    const chunks: Buffer[] = []
    socket.on('connect', () => socket.write(text))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (error) => {
      clearTimeout(timer)
      fail((error as NodeJS.ErrnoException).code ?? error.message)
    })
    socket.on('end', () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(Buffer.concat(chunks).toString('utf8'))
    })
  })
}
