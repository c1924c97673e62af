/** Shares of one service's traffic in percent; they sum to 100. */
export interface Weights {
  blue: number
  green: number
}

/** The weights of every service of a plan, by its name. */
export type ServiceWeights = Record<string, Weights>

/**
 * The weights for a share of green.
 * @param green percent, 0 to 100
 * @throws RangeError when it is not
 */
export function split(green: number): Weights {
  if (!(green >= 0 && green <= 100)) throw new RangeError(`green ${green} is not within 0 to 100`)
  return { blue: 100 - green, green }
}

/** Green's percent of a service; a service that is not there has none. */
export function greenOf(weights: ServiceWeights, service: string): number {
  return weights[service]?.green ?? 0
}

/** True when both give every service the same green. */
export function sameWeights(a: ServiceWeights, b: ServiceWeights): boolean {
  return servicesOf(a, b).every((service) => greenOf(a, service) === greenOf(b, service))
}

/** The services whose green would be above `from` in `to`. */
export function rising(from: ServiceWeights, to: ServiceWeights): string[] {
  return servicesOf(from, to).filter((service) => greenOf(to, service) > greenOf(from, service))
}

/** For each service of `a`, the lower green of the two. */
export function lower(a: ServiceWeights, b: ServiceWeights): ServiceWeights {
  return Object.fromEntries(
    Object.keys(a).map((service) => [
      service,
      split(Math.min(greenOf(a, service), greenOf(b, service))),
    ]),
  )
}

/** Every service at green 0. */
export function allBlue(services: readonly string[]): ServiceWeights {
  return Object.fromEntries(services.map((service) => [service, split(0)]))
}

/** True when some service gives green any traffic. */
export function anyGreen(weights: ServiceWeights): boolean {
  return Object.values(weights).some(({ green }) => green > 0)
}

/**
 * One line for people.
 * @example describeChange({ api: split(10) }, { api: split(25) }) // 'api: blue 90 → 75, green 10 → 25'
 */
export function describeChange(from: ServiceWeights, to: ServiceWeights): string {
  const changed = servicesOf(from, to).filter((s) => greenOf(from, s) !== greenOf(to, s))
  const shown = changed.length > 0 ? changed : servicesOf(from, to)
  return shown
    .map((service) => {
      const a = split(greenOf(from, service))
      const b = split(greenOf(to, service))
      const blue = a.blue === b.blue ? `${a.blue}` : `${a.blue} → ${b.blue}`
      const green = a.green === b.green ? `${a.green}` : `${a.green} → ${b.green}`
      return `${service}: blue ${blue}, green ${green}`
    })
    .join('; ')
}

function servicesOf(a: ServiceWeights, b: ServiceWeights): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
}
