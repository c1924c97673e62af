import type { Journal } from './journal.ts'
import type { Latch } from './latch.ts'
import { plannedOperations, recordOf } from './operations.ts'
import type { ColourName, Plan } from './plan.ts'
import { colourOf } from './services.ts'
import { greenOf, lower, type ServiceWeights } from './weights.ts'

/**
 * The users for whom a flag is on: buckets of users from `from` (within) to `to` (without), of
 * 0 to 100. All of them is 0 to 100; nobody is where both are equal.
 */
export interface Share {
  from: number
  to: number
}

/** One flag in flagd's format. */
interface FlagDefinition {
  state: 'ENABLED'
  variants: { on: true; off: false }
  defaultVariant: 'on' | 'off'
  targeting?: object
}

/** flagd's file: https://flagd.dev/reference/flag-definitions/ */
export interface FlagFile {
  $schema: string
  flags: Record<string, FlagDefinition>
}

/** What the state of flags follows from. */
export interface FlagState {
  plan: Plan
  weights: ServiceWeights
  latch?: Latch
  /** What a person or a guardrail has set. */
  set?: Journal['flags']
  /** Flags that are in the file no more. */
  removed?: readonly string[]
}

const ALL: Share = { from: 0, to: 100 }
const NOBODY: Share = { from: 0, to: 0 }

/**
 * For whom each flag of the plan is on. One that follows services is never on for a user whose
 * requests go to blue: what somebody has set can take it back, and not raise it. While latched, no
 * flag goes above what the latch allows, whatever is live.
 */
export function flagShares({
  plan,
  weights,
  latch,
  set,
  removed = [],
}: FlagState): Record<string, Share> {
  const allowed = latch?.latched ? lower(weights, { ...weights, ...latch.ceiling }) : weights
  const shares: Record<string, Share> = {}
  const shareOf = (name: string, path: readonly string[]): Share => {
    const known = shares[name]
    if (known) return known
    const flag = plan.flags[name]
    // Parents that come back to where they began are off, as nothing says otherwise.
    if (!flag || path.includes(name)) return NOBODY
    const own = ownShare(plan, name, allowed, set?.[name])
    const share = flag.parent === undefined ? own : both(own, shareOf(flag.parent, [...path, name]))
    shares[name] = share
    return share
  }
  for (const name of Object.keys(plan.flags)) shareOf(name, [])
  return Object.fromEntries(Object.entries(shares).filter(([name]) => !removed.includes(name)))
}

/**
 * The flags of the plan that end with the rollout, once it is retired and everything is done that
 * the plan runs there: what read them does so no more.
 */
export function removedFlags(plan: Plan, journal: Journal | undefined): string[] {
  if (journal?.verified.position !== 'retired' || journal.intent) return []
  const done = plannedOperations(plan)
    .filter(({ moment }) => moment === 'retired')
    .every((each) => recordOf(each, { name: 'retired' }, journal)?.result === 'done')
  if (!done) return []
  return Object.keys(plan.flags).filter((name) => plan.flags[name]?.until === 'retired')
}

/** The state of a plan's flags by what is live and what is kept. */
export function flagStateOf(
  plan: Plan,
  weights: ServiceWeights,
  latch: Latch | undefined,
  journal: Journal | undefined,
): FlagState {
  return { plan, weights, latch, set: journal?.flags, removed: removedFlags(plan, journal) }
}

/** The flags whose users are those of a colour. */
export function followingFlags(plan: Plan): string[] {
  return Object.keys(plan.flags).filter((name) => usersOf(plan, name, {}).length > 0)
}

/** The flag file that services read live. Pure: equal inputs give equal text. */
export function flagFile(state: FlagState): FlagFile {
  const following = new Set(followingFlags(state.plan))
  const shares = flagShares(state)
  return {
    $schema: 'https://flagd.dev/schema/v0/flags.json',
    flags: Object.fromEntries(
      Object.entries(shares)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, share]) => [name, definition(share, following.has(name))]),
    ),
  }
}

/** The text of the flag file: the same for the same state. */
export function flagText(state: FlagState): string {
  return `${JSON.stringify(flagFile(state), null, 2)}\n`
}

/** Percent of the users for whom a flag is on. */
export const percentOf = ({ from, to }: Share): number => Math.max(0, to - from)

/** Answers of both colours of a service. */
export type Answers = (service: string) => { blue: number; green: number }

/**
 * The share of answers that were served with a flag on: of those services whose colour it follows,
 * the answers of that colour; of a flag that follows nothing, its share of the users.
 * @returns undefined where nothing was answered
 */
export function adoptionOf(
  plan: Plan,
  name: string,
  share: Share,
  answers: Answers,
): number | undefined {
  const followed = coloursOf(plan, name)
  if (percentOf(share) === 0) return 0
  if (followed.length === 0) return percentOf(share) / 100
  const counts = followed.map(({ service, colour }) => ({ ...answers(service), colour }))
  const all = counts.reduce((sum, { blue, green }) => sum + blue + green, 0)
  if (all === 0) return undefined
  return counts.reduce((sum, count) => sum + count[count.colour], 0) / all
}

function ownShare(
  plan: Plan,
  name: string,
  weights: ServiceWeights,
  set: boolean | undefined,
): Share {
  if (set === false) return NOBODY
  const users = usersOf(plan, name, weights)
  if (users.length > 0) return users.reduce(either)
  return (set ?? plan.flags[name]?.default) ? ALL : NOBODY
}

/** The users of the colours that a flag follows. */
function usersOf(plan: Plan, name: string, weights: ServiceWeights): Share[] {
  return coloursOf(plan, name).map(({ service, colour }) =>
    colour === 'green'
      ? { from: 0, to: greenOf(weights, service) }
      : { from: greenOf(weights, service), to: 100 },
  )
}

/** The colours that a flag follows, and those that are served with it on. */
function coloursOf(plan: Plan, name: string): { service: string; colour: ColourName }[] {
  const follows = (plan.flags[name]?.follows ?? []).map((service) => ({
    service,
    colour: 'green' as const,
  }))
  const colours = Object.entries(plan.services).flatMap(([service, definition]) =>
    (['green', 'blue'] as const)
      .filter((colour) => colourOf(definition, colour)?.flag === name)
      .map((colour) => ({ service, colour })),
  )
  return [...follows, ...colours]
}

/** On for the users of either; what lies between two that do not touch is one of both colours' users. */
function either(a: Share, b: Share): Share {
  if (percentOf(a) === 0) return b
  if (percentOf(b) === 0) return a
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) }
}

function both(a: Share, b: Share): Share {
  const share = { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) }
  return percentOf(share) === 0 ? NOBODY : share
}

function definition(share: Share, follows: boolean): FlagDefinition {
  const variants = { on: true, off: false } as const
  const { from, to } = share
  const none = percentOf(share) === 0
  const simple = {
    state: 'ENABLED' as const,
    variants,
    defaultVariant: percentOf(share) === 100 ? ('on' as const) : ('off' as const),
  }
  if (!follows && (none || percentOf(share) === 100)) return simple
  const below = { '<': [{ var: 'bucket' }, none ? 0 : to] }
  const within = from > 0 ? { and: [{ '>=': [{ var: 'bucket' }, from] }, below] } : below
  return { ...simple, targeting: { if: [within, 'on', 'off'] } }
}
