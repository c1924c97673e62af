import structs from 'google-protobuf/google/protobuf/struct_pb.js'

/** Plain JSON values by name: what inputs and outputs of a resource are. */
export type Props = Record<string, unknown>

/**
 * Stands for a value that is not known before something else has been created. It is the wire's
 * own word for it and therefore a string: it survives copies, JSON and the way back to the engine.
 */
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'

/** The engine's other unknowns, one for each kind of value; read as UNKNOWN, never written. */
const TYPED_UNKNOWNS = new Set([
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7', // boolean
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421', // number
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2', // array
  '030794c1-ac77-496b-92df-f27374a8bd58', // asset
  'e48ece36-62e2-4504-bad9-02848725956a', // archive
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff', // object
])

const SIGNATURE = '4dabf18193072939515e22adb298388d'
const SECRET = '1b47061264138c4ac30d75fd1eb44270'
const OUTPUT = 'd0e6a833031e9bbcd3f4e8bde6ca49a4'
const REFERENCE = '5cf8f73096256a8f31e491e813e4eb8e'

/** Whether the value itself is not known yet. */
export const isUnknown = (value: unknown): boolean => value === UNKNOWN

/** Whether anything in the value is not known yet. */
export function hasUnknowns(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasUnknowns)
  if (isRecord(value)) return Object.values(value).some(hasUnknowns)
  return isUnknown(value)
}

/** Whether the value is a map (and neither a list nor nothing). */
export const isRecord = (value: unknown): value is Props =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a struct off the wire. An empty one is what the engine sends for "there is none". */
export const decode = (struct?: structs.Struct): Props =>
  unwrap(struct?.toJavaScript() ?? {}) as Props

/** As `decode`, with an empty struct read as none. */
export function decodeSome(struct?: structs.Struct): Props | undefined {
  const props = decode(struct)
  return Object.keys(props).length > 0 ? props : undefined
}

/** Writes a struct for the wire; what JSON cannot say fails here, by its path. */
export const encode = (props: Props): structs.Struct =>
  structs.Struct.fromJavaScript(
    plain(props, '') as Parameters<typeof structs.Struct.fromJavaScript>[0],
  )

/**
 * We ask the engine to keep secrets, outputs and resource references to itself. Configure gets
 * secrets all the same, and a wrapper taken for a value would be written into a live platform.
 */
function unwrap(value: unknown): unknown {
  if (typeof value === 'string') return TYPED_UNKNOWNS.has(value) ? UNKNOWN : value
  if (Array.isArray(value)) return value.map(unwrap)
  if (!isRecord(value)) return value
  if (value[SIGNATURE] === SECRET) return unwrap(value['value'])
  if (value[SIGNATURE] === OUTPUT) return 'value' in value ? unwrap(value['value']) : UNKNOWN
  if (value[SIGNATURE] === REFERENCE) return unwrap(value['id'] || UNKNOWN)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unwrap(each)]))
}

function plain(value: unknown, path: string): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((each, i) => plain(each ?? null, `${path}[${i}]`))
  if (isRecord(value) && isPlainObject(value)) {
    const known = Object.entries(value).filter(([, each]) => each !== undefined)
    return Object.fromEntries(known.map(([key, each]) => [key, plain(each, join(path, key))]))
  }
  throw new TypeError(`${path || 'the properties'}: ${describe(value)} is not a JSON value`)
}

// By the prototype's prototype, so that objects of another realm (a test runner's) are plain too.
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const describe = (value: unknown): string =>
  typeof value === 'object' ? (value?.constructor.name ?? 'object') : String(value)

/** Appends a key to a property path, in the engine's spelling. */
export function join(path: string, key: string): string {
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

/**
 * Cuts live values down to the shape of the inputs, so that what the platform adds of its own
 * accord is not taken for a change. Lists keep their live length: it is part of what was asked.
 */
export function project(live: unknown, shape: unknown): unknown {
  if (Array.isArray(live) && Array.isArray(shape)) {
    return live.map((each, i) => project(each, shape[i]))
  }
  if (!isRecord(live) || !isRecord(shape)) return live
  const kept = Object.keys(shape).filter((key) => live[key] !== undefined)
  return Object.fromEntries(kept.map((key) => [key, project(live[key], shape[key])]))
}
