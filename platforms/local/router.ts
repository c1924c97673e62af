import { type ServiceWeights, split, type Weights } from '../../rollout/weights.ts'
import { Unavailable } from '../platform.ts'
import type { Router } from '../router.ts'
import { AdminSocket } from './admin-socket.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import { backendOf } from './haproxy-config.ts'
import type { Layout } from './layout.ts'
import {
  formatMap,
  fromMapValue,
  type MapValues,
  parseMap,
  parsePid,
  parseServers,
  parseShownMap,
  stateFor,
  toMapValue,
} from './router-text.ts'
import { waitFor } from './wait-for.ts'

/** `disarmed`: the router has no guard, as the rollout is released. */
export type GuardState = 'up' | 'down' | 'disarmed'

/** What users get now. */
export interface EffectiveWeights {
  weights: ServiceWeights
  /** True while the guard is down: green gets nothing, whatever its weight is. */
  suspended: boolean
}

/** HAProxy, over its admin socket and its map file. */
export class HaproxyRouter implements Router {
  readonly #layout: Layout
  readonly #socket: AdminSocket
  #writes: Promise<unknown> = Promise.resolve()
  constructor(layout: Layout) {
    this.#layout = layout
    this.#socket = new AdminSocket(layout.haproxy.socket)
  }

  /**
   * The weights that the running router holds. While the guard is down green gets nothing of
   * them, see {@link effective}; they are still what it would get again.
   * @throws Unavailable where the router does not answer
   */
  async read(): Promise<ServiceWeights> {
    return weightsOf(await this.#values())
  }

  async #values(): Promise<MapValues> {
    const { map } = this.#layout.haproxy
    const { values, rest } = parseShownMap(await this.#ask(`show map ${map}`))
    if (rest === '') return values
    throw new Unavailable(`the router has no map ${map}: ${rest}; next: pulumi up`)
  }

  /** What users get now, the guard taken into account. */
  async effective(): Promise<EffectiveWeights> {
    const weights = await this.read()
    if ((await this.guardState()) !== 'down') return { weights, suspended: false }
    const none = Object.keys(weights).map((service) => [service, split(0)])
    return { weights: Object.fromEntries(none), suspended: true }
  }

  /**
   * Sets the green of the services given, in their order; the others keep theirs. A fall reaches
   * the running router first, as users wait for it, and the latch is durable already; a rise
   * stands in the map file first, so that no user who has been on green goes back because the
   * router died. A router that is away comes back with the falls, and with no rise.
   * @throws Unavailable where the router does not answer or does not take it; the falls stand
   */
  write(weights: ServiceWeights): Promise<void> {
    // One after the other: file and router must end with the same of two writes.
    const turn = this.#writes.then(() => this.#write(weights))
    this.#writes = turn.catch(() => {})
    return turn
  }

  async #write(weights: ServiceWeights): Promise<void> {
    const { map } = this.#layout.haproxy
    const asked = Object.entries(weights).map(
      ([service, weight]) => [checkedName(service), toMapValue(weight)] as const,
    )
    const kept = parseMap(readOrNothing(map))
    const [known, away] = await this.#values().then(
      (values) => [values, undefined] as const,
      (error: unknown) => [kept, error] as const,
    )
    const falls = asked.filter(([service, value]) => value <= (known.get(service) ?? 0))
    const first = this.#settings(
      falls.filter(([service]) => known.has(service)),
      known,
    )
    // What fails here is said again below, and a failure there is told.
    if (!away && first.length > 0) await this.#ask(...first).catch(() => {})
    for (const [service, value] of away ? falls : asked) kept.set(service, value)
    writeDurably(map, formatMap(kept))
    if (away) throw away
    // The falls once more: a reload meanwhile may have begun with the file as it was.
    const answer = await this.#ask(...this.#settings(asked, known), `show map ${map}`)
    const { values: reached, rest } = parseShownMap(answer)
    for (const [service, wanted] of asked) {
      const value = reached.get(service)
      if (value === wanted) continue
      throw new Unavailable(
        `${service}: green ${wanted / 100} was written, but the router has ${value === undefined ? 'none' : value / 100}: ${rest}; next: sluice doctor`,
      )
    }
  }

  #settings(values: (readonly [string, number])[], known: MapValues): string[] {
    const { map } = this.#layout.haproxy
    return values.map(([service, value]) => {
      return `${known.has(service) ? 'set' : 'add'} map ${map} ${service} ${value}`
    })
  }

  /** True when the colour itself is up; the backup server of green does not count. */
  async healthy(service: string, colour: keyof Weights): Promise<boolean> {
    const backend = backendOf(checkedName(service), colour)
    const servers = parseServers(await this.#ask(`show servers state ${backend}`))
    return servers.some(({ server, running }) => server === colour && running)
  }

  /** Whether the router lets requests through to green. */
  async guardState(): Promise<GuardState> {
    const [hook] = parseServers(await this.#ask('show servers state guard'))
    if (!hook) return 'disarmed'
    return hook.running ? 'up' : 'down'
  }

  /** False while green is suspended. A router without a guard suspends nothing. */
  async guardUp(): Promise<boolean> {
    return (await this.guardState()) !== 'down'
  }

  /**
   * Lets green have its weight again; the router never does by itself. Only for the hook, once it
   * has looked at what happened while it was away.
   */
  async raiseGuard(): Promise<void> {
    if ((await this.guardState()) === 'disarmed') return
    const answer = await this.#ask('set server guard/hook health up')
    if (await this.guardUp()) return
    throw new Unavailable(
      `the guard could not be raised: ${answer.trim() || 'it is down again'}; next: sluice doctor`,
    )
  }

  /**
   * Keeps what the router knows of its servers for its next start or reload; without it a dead
   * guard would count as alive until its first check. Before each reload, and now and then.
   */
  async saveState(): Promise<void> {
    this.#keepState(await this.#ask('show servers state'))
  }

  /** Makes what was kept fit for a configuration that was written while the router is down. */
  alignState(): void {
    const kept = readIfThere(this.#layout.haproxy.state)
    if (kept !== undefined) this.#keepState(kept)
  }

  #keepState(state: string): void {
    const { config, state: file } = this.#layout.haproxy
    writeDurably(file, stateFor(readIfThere(config) ?? '', state))
  }

  /**
   * Takes the configuration that stands in its file, without losing a request, a weight or what
   * is known of the guard.
   * @param signal tells the router's master to reload
   * @throws Error where no new worker comes up; the old one goes on with the old configuration
   */
  async reload(signal: () => Promise<void>): Promise<void> {
    const before = await this.#workerPid()
    await this.saveState()
    await signal()
    await waitFor(async () => (await this.#workerPid()) !== before, {
      timeoutMs: 15_000,
      what: `the router to take its new configuration; its log is in ${this.#layout.logs}/router`,
    })
    await this.#settle()
  }

  /** Of the worker that answers; another one after a reload. */
  async #workerPid(): Promise<number> {
    const pid = parsePid(await this.#ask('show info'))
    if (pid === undefined) throw new Unavailable('the router does not say which process it is')
    return pid
  }

  /**
   * Lowers what the running router gives green above the map file: a fall that was set while the
   * new worker had read the file already reached the old one only. Nothing rises by this.
   */
  async #settle(): Promise<void> {
    const { map } = this.#layout.haproxy
    // Again when the file changed meanwhile: another process may be rolling back.
    for (let before: string | undefined; ; ) {
      const file = readIfThere(map) ?? ''
      if (file === before) return
      before = file
      const wanted = parseMap(file)
      const commands = [...(await this.#values())]
        .filter(([service, value]) => value > (wanted.get(service) ?? 0))
        .map(([service]) => `set map ${map} ${checkedName(service)} ${wanted.get(service) ?? 0}`)
      if (commands.length > 0) await this.#ask(...commands)
    }
  }

  #ask(...commands: string[]): Promise<string> {
    return this.#socket.ask(...commands)
  }
}

/** A disk that does not read must not keep green up. */
function readOrNothing(path: string): string {
  try {
    return readIfThere(path) ?? ''
  } catch {
    return ''
  }
}

function weightsOf(values: MapValues): ServiceWeights {
  return Object.fromEntries([...values].map(([service, value]) => [service, fromMapValue(value)]))
}

/** Names go into commands of the router as they are. */
function checkedName(service: string): string {
  if (/^[a-z][a-z0-9-]{0,39}$/.test(service)) return service
  throw new Error(`${JSON.stringify(service)} is no name of a service`)
}
