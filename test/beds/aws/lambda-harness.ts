import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type LambdaApi, startLambdaApi } from './lambda-api-harness.ts'

/** What came of one call of a function. */
export interface Invocation {
  name: string
  event: unknown
  /** What the handler returned; undefined where it threw. */
  result?: unknown
  error?: string
  log: string
  ms: number
}

/** What the rollout's function has as its timeout. */
const TIMEOUT_MS = 900_000
/** AWS calls an asynchronous event this often again before it goes to the on-failure destination. */
const AGAIN = 2

export interface LambdaOptions {
  /** A folder with one folder for each function, with its index.mjs. */
  code: string
  /** The environment of the functions: endpoint, region, a key of their own. */
  environment: Record<string, string>
  /** Told of an event that failed for good. */
  onFailure?(invocation: Invocation): void
}

/**
 * What moto lacks of Lambda: it runs the function's own bundle, each call in a fresh process of Node
 * with nothing in its environment but what it is given, in the function's own folder. What a function
 * calls of functions comes back here. A stand-in: no IAM, no limits of memory, no reuse of a warm
 * process.
 */
export class LambdaHarness {
  readonly #options: LambdaOptions
  readonly #running = new Set<Promise<unknown>>()
  readonly invocations: Invocation[] = []
  /** True: calls are lost, as with a concurrency of zero. */
  disabled = false
  #stopped = false
  #api: Promise<LambdaApi> | undefined

  constructor(options: LambdaOptions) {
    this.#options = options
  }

  /** Calls asynchronously, as alarms and rules do: an error is tried again, and then told. */
  async send(name: string, event: unknown): Promise<void> {
    if (this.disabled || this.#stopped) return
    const work = this.#sendAgain(name, event)
    this.#running.add(work)
    await work.finally(() => this.#running.delete(work))
  }

  async #sendAgain(name: string, event: unknown): Promise<void> {
    for (let again = 0; ; again++) {
      const invocation = await this.invoke(name, event)
      if (invocation.error === undefined || this.#stopped) return
      if (again === AGAIN) return this.#options.onFailure?.(invocation)
    }
  }

  /** Calls once and waits. */
  async invoke(name: string, event: unknown): Promise<Invocation> {
    const started = performance.now()
    const file = join(this.#options.code, name, 'index.mjs')
    if (!existsSync(file)) throw new Error(`no function ${name} in ${this.#options.code}`)
    this.#api ??= startLambdaApi((called, event) => void this.send(called, event).catch(() => {}))
    const { endpoint } = await this.#api
    const child = spawn(process.execPath, ['--input-type=module', '-e', CALLER], {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: join(this.#options.code, name),
      env: {
        ...this.#options.environment,
        // So that a fresh process costs the test machine half; it changes nothing that runs.
        NODE_COMPILE_CACHE: join(this.#options.code, '.compiled'),
        AWS_ENDPOINT_URL_LAMBDA: endpoint,
        AWS_LAMBDA_FUNCTION_NAME: name,
        HANDLER: pathToFileURL(file).href,
      },
    })
    let [log, said] = ['', '']
    child.stdout.on('data', (chunk) => {
      log += chunk
    })
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    child.stdin.end(JSON.stringify(event))
    const code = await new Promise<number>((resolve) => child.once('close', (c) => resolve(c ?? 1)))
    const marked = log.lastIndexOf(MARK)
    const invocation: Invocation = {
      name,
      event,
      log: marked < 0 ? log : log.slice(0, marked),
      ms: performance.now() - started,
      ...(code === 0
        ? { result: JSON.parse(log.slice(marked + MARK.length)) }
        : { error: said.trim().split('\n').slice(-6).join('\n') || `exit ${code}` }),
    }
    this.invocations.push(invocation)
    return invocation
  }

  /** Does something while no call runs; calls that come meanwhile are lost. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    const before = this.disabled
    this.disabled = true
    try {
      await Promise.allSettled(this.#running)
      return await work()
    } finally {
      this.disabled = before
    }
  }

  /** Takes no more calls and waits for those that run. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.allSettled(this.#running)
    await (await this.#api)?.stop()
  }
}

const MARK = '\u0001result '
const CALLER = `
const getRemainingTimeInMillis = () => ${TIMEOUT_MS} - performance.now()
let text = ''
for await (const chunk of process.stdin) text += chunk
const { handler } = await import(process.env.HANDLER)
const result = await handler(JSON.parse(text), { getRemainingTimeInMillis })
process.stdout.write(${JSON.stringify(MARK)} + JSON.stringify(result ?? null))
process.exit(0)
`
