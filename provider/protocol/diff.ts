import pb from '@pulumi/pulumi/proto/provider_pb.js'
import type { ResourceType } from './resource.ts'
import { isRecord, isUnknown, join, type Props } from './values.ts'

/** What happens to one leaf. */
export type Change = 'add' | 'delete' | 'update'
/** The leaves that change, by property path (`weights.green`, `rules[0].host`). */
export type Changes = Map<string, Change>

/**
 * Compares wanted inputs with the state's outputs, leaf by leaf, within the shape of the inputs.
 *
 * Outputs and not old inputs, because after a partial update the engine keeps the old inputs, and
 * a diff on those tells of a way (90 to 20) that nobody will go (60 to 20). The old inputs serve
 * for one thing: a key that was asked for and no longer is has been deleted, while an output that
 * nobody ever asked for is the platform's own.
 */
export function changes(news: Props, outputs: Props, oldInputs: Props | undefined): Changes {
  const found: Changes = new Map()
  compare(news, outputs, oldInputs, '', found)
  return found
}

function compare(wanted: unknown, have: unknown, asked: unknown, path: string, found: Changes) {
  if (isRecord(wanted) && isRecord(have)) {
    const before = isRecord(asked) ? asked : {}
    for (const key of new Set([...Object.keys(wanted), ...Object.keys(before)])) {
      const dropped = wanted[key] == null && before[key] == null
      if (!dropped) compare(wanted[key], have[key], before[key], join(path, key), found)
    }
  } else if (Array.isArray(wanted) && Array.isArray(have)) {
    const before: unknown[] = Array.isArray(asked) ? asked : []
    for (let i = 0; i < Math.max(wanted.length, have.length); i++) {
      compare(wanted[i], have[i], before[i], `${path}[${i}]`, found)
    }
  } else if (have == null) {
    if (wanted != null) found.set(path, 'add')
  } else if (wanted == null) {
    found.set(path, 'delete')
  } else if (isUnknown(wanted) || wanted !== have) {
    found.set(path, 'update')
  }
}

/** Whether one of two property paths is the other, or lies within it. */
function overlaps(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return long === short || (long.startsWith(short) && /^[.[]/.test(long.slice(short.length)))
}

/** The first key of a property path. */
const topLevel = (path: string): string => {
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(path)
  return quoted ? JSON.parse(`"${quoted[1]}"`) : (/^[^.[]+/.exec(path)?.[0] ?? path)
}

/** Whether a property path is another, or lies within it. */
export const within = (path: string, outer: string): boolean =>
  path.length >= outer.length && overlaps(path, outer)

/** Writes the changes as the engine's detailed diff; `forced` updates even where there are none. */
export function toDiffResponse(
  found: Changes,
  type: ResourceType,
  forced: boolean,
): pb.DiffResponse {
  const { Kind } = pb.PropertyDiff
  const { DIFF_SOME, DIFF_NONE } = pb.DiffResponse.DiffChanges
  const kinds = { add: Kind.ADD, delete: Kind.DELETE, update: Kind.UPDATE }
  const replacing = {
    add: Kind.ADD_REPLACE,
    delete: Kind.DELETE_REPLACE,
    update: Kind.UPDATE_REPLACE,
  }
  const replaces = (path: string) =>
    !type.update || (type.replaceOn ?? []).some((each) => overlaps(path, each))

  const response = new pb.DiffResponse()
    .setHasdetaileddiff(true)
    .setChanges(found.size > 0 || forced ? DIFF_SOME : DIFF_NONE)
    .setDeletebeforereplace(type.deleteBeforeReplace ?? false)
    .setDiffsList([...new Set([...found.keys()].map(topLevel))])
  for (const [path, change] of found) {
    const kind = (replaces(path) ? replacing : kinds)[change]
    response.getDetaileddiffMap().set(path, new pb.PropertyDiff().setKind(kind).setInputdiff(false))
  }
  const replaced = [...found.keys()].filter(replaces).map(topLevel)
  // A forced change without a path, of what cannot be updated, still has to name something.
  if (forced && found.size === 0 && !type.update) replaced.push('id')
  return response.setReplacesList([...new Set(replaced)])
}
