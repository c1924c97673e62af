import type { Colour, ColourName } from '../plan.ts'
import type { Keys, Lenient } from '../plan-parts.ts'
import { show } from '../plan-problems.ts'
import {
  type Check,
  commandChecks,
  entries,
  environmentChecks,
  nameCheck,
  namesOf,
  type Parts,
} from './check.ts'

/** What answers for the colours of the services. */

export const COLOURS: ColourName[] = ['blue', 'green']

/** A colour that is there: blue may be `none`. */
export function running(colour: Lenient<Colour> | 'none' | undefined): Lenient<Colour> | undefined {
  return colour === 'none' ? undefined : colour
}

export function coloursChecks(parts: Parts): Check[] {
  return entries(parts.services).flatMap(([name, service]) => {
    const keys = ['services', name]
    const [blue, green] = [running(service.blue), running(service.green)]
    const same =
      blue?.url !== undefined && blue.url === green?.url
        ? [
            {
              keys: [...keys, 'green', 'url'],
              message: `${show(green.url)} is blue's address too; give the address of the new system`,
            },
          ]
        : []
    return [
      ...COLOURS.flatMap((colour) => colourChecks(parts, name, colour)),
      ...same,
      ...toggleChecks(parts, name),
    ]
  })
}

function colourChecks(parts: Parts, service: string, name: ColourName): Check[] {
  const colour = running(parts.services?.[service]?.[name])
  if (!colour) return []
  const keys = ['services', service, name]
  const { command, port, url, environment, servedBy } = colour
  return [
    ...(servedBy === undefined
      ? ownChecks(colour, keys)
      : servedByChecks(parts, `${service}.${name}`, colour, keys)),
    ...commandChecks(command, [...keys, 'command']),
    ...(url === undefined ? [] : urlChecks(url, [...keys, 'url'])),
    ...environmentChecks(environment, [...keys, 'environment'], (variable) => {
      if (url !== undefined) return 'has no effect on a system that runs already; take it out'
      if (servedBy !== undefined) return `has no effect on the process of ${servedBy}; take it out`
      if (variable === 'PORT' && port !== undefined) {
        return 'is given by the platform from port; take it out'
      }
      return undefined
    }),
    ...nameCheck(colour.flag, namesOf(parts.flags), 'flag', [...keys, 'flag']),
    ...loneFlagChecks(parts, `${service}.${name}`, colour, keys),
  ]
}

/** A flag tells colours of one process apart; a process that is one colour alone needs none. */
function loneFlagChecks(
  { services }: Parts,
  self: string,
  { flag, servedBy, command, url }: Lenient<Colour>,
  keys: Keys,
): Check[] {
  if (flag === undefined || servedBy !== undefined || (!command && url === undefined)) return []
  const isShared = entries(services).some(([, service]) =>
    COLOURS.some((colour) => running(service[colour])?.servedBy === self),
  )
  if (isShared) return []
  const message = `has no effect where ${self} has a process of its own; give servedBy, or take it out`
  return [{ keys: [...keys, 'flag'], message, rests: [['services']] }]
}

function ownChecks(colour: Lenient<Colour>, keys: Keys): Check[] {
  const { command, port, url, flag, image, existing, targetGroupArn } = colour
  // What a target group has behind it runs already, and needs no place on this host.
  if (targetGroupArn !== undefined && !command && url === undefined && port === undefined) return []
  const rests = ['command', 'port', 'url', 'servedBy', 'image', 'existing'].map((key) => [
    ...keys,
    key,
  ])
  const say = (at: Keys, message: string): Check[] => [{ keys: [...keys, ...at], message, rests }]
  if (command && url !== undefined) {
    return say([], 'has both a command and a url; keep the command with a port, or the url')
  }
  if (existing !== undefined && (command || image !== undefined || url !== undefined)) {
    return say([], 'has an existing Service and something to start; keep one of them')
  }
  if (image !== undefined && url !== undefined) {
    return say([], 'has both an image and a url; keep the image with a port, or the url')
  }
  if ((image !== undefined || existing !== undefined) && port === undefined) {
    return say(['port'], 'is missing; give the port where it listens, from 1 to 65535')
  }
  if (image !== undefined || existing !== undefined) return []
  if (!command && url === undefined) {
    const message =
      flag === undefined
        ? 'has neither a command nor a url; give a command with a port, or a url'
        : 'has a flag, but no process that reads it; give servedBy, such as auth.green'
    return say([], message)
  }
  if (command && port === undefined) {
    return say(['port'], 'is missing; give the port where the command listens, from 1 to 65535')
  }
  if (url !== undefined && port !== undefined) {
    return say(['port'], `${port} has no effect beside a url; take it out`)
  }
  return []
}

/** A process of another colour: one that is there, and has a process itself. */
function servedByChecks(
  { services }: Parts,
  self: string,
  colour: Lenient<Colour>,
  keys: Keys,
): Check[] {
  const own = (['command', 'url', 'port'] as const).filter((key) => colour[key] !== undefined)
  const at = [...keys, 'servedBy']
  if (own.length > 0) {
    return [
      {
        keys,
        message: `has servedBy and ${own.join(' and ')}; keep servedBy, or a process of its own`,
        rests: [at, ...own.map((key) => [...keys, key])],
      },
    ]
  }
  const say = (message: string): Check[] => [{ keys: at, message }]
  const { servedBy = '' } = colour
  if (servedBy === self) return say('is itself; give the colour of another process')
  const [name, its] = servedBy.split('.') as [string, ColourName]
  const unknown = nameCheck(name, namesOf(services), 'service', at)
  if (unknown.length > 0) return unknown
  const other = services?.[name]?.[its]
  if (other === 'none') return say(`${servedBy} is none, which answers for nobody; give a process`)
  if (other?.servedBy === undefined) return []
  const back = other.servedBy === self
  // Two that serve each other are one mistake.
  if (back && self < servedBy) return []
  return say(
    back
      ? `${servedBy} is served by ${self} in turn; give one of them a process`
      : `${servedBy} has no process either; give ${other.servedBy}, which serves it`,
  )
}

function urlChecks(text: string, keys: Keys): Check[] {
  if (!URL.canParse(text)) return []
  const url = new URL(text)
  if (url.username || url.password) {
    return [{ keys, message: 'carries a user or a password; a secret never stands in a plan' }]
  }
  if (url.pathname !== '/' || url.search || url.hash) {
    const origin = `${url.protocol}//${url.host}`
    return [{ keys, message: `${show(text)} goes on after the port; give ${origin}` }]
  }
  if (url.port === '0') return [{ keys, message: `${show(text)} has port 0; give 1 to 65535` }]
  return []
}

/** feature-toggle: one process for both colours, and a flag that tells them apart. */
function toggleChecks({ services }: Parts, name: string): Check[] {
  const service = services?.[name]
  if (service?.strategy !== 'feature-toggle') return []
  const green = running(service.green)
  if (!green || green.flag !== undefined) return []
  const keys = ['services', name, 'green', 'flag']
  const message = 'is missing; feature-toggle shifts the flag of green, not the route'
  return [{ keys, message, rests: [['services', name, 'green']] }]
}
