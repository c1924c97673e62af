import { z } from 'zod'
import { type Plan, planSchema } from './plan.ts'

/** A place within a plan: keys and indices from its root. */
export type Keys = readonly (string | number)[]

/** What of a value had the right shape; what had not is undefined, its name or index stays. */
export type Lenient<T> = T extends (infer U)[]
  ? (Lenient<U> | undefined)[]
  : T extends object
    ? { [K in keyof T]?: Lenient<T[K]> }
    : T

/** The parts of a plan that have the right shape, defaults filled in. */
export function partsOf(raw: unknown): Lenient<Plan> {
  return (salvage(planSchema, raw) ?? {}) as Lenient<Plan>
}

function salvage(schema: z.ZodType, raw: unknown): unknown {
  const whole = schema.safeParse(raw)
  if (whole.success) return whole.data
  const inner = unwrap(schema)
  if (inner instanceof z.ZodUnion) {
    const option = isMapping(raw) && optionWith(inner, Object.keys(raw))
    return option ? salvage(option, raw) : undefined
  }
  if (inner instanceof z.ZodArray && Array.isArray(raw)) {
    // A hole of a sparse list is an entry that is missing.
    return Array.from(raw, (entry) => salvage(inner.element as z.ZodType, entry))
  }
  if (!isMapping(raw)) return undefined
  if (inner instanceof z.ZodObject) {
    return Object.fromEntries(
      Object.entries(inner.shape).map(([key, field]) => [
        key,
        salvage(field as z.ZodType, own(raw, key)),
      ]),
    )
  }
  if (inner instanceof z.ZodRecord) {
    return Object.fromEntries(
      Object.keys(raw).map((key) => [key, salvage(inner.valueType as z.ZodType, own(raw, key))]),
    )
  }
  return undefined
}

/** The schema of a place of the plan, without its optional and default wrappers. */
export function schemaAt(keys: Keys): { schema: z.ZodType; description?: string } | undefined {
  let schema: z.ZodType = planSchema
  let description: string | undefined
  for (const key of keys) {
    let within: z.ZodType | undefined = unwrap(schema)
    if (within instanceof z.ZodUnion) {
      within = optionWith(within, [String(key)])
    }
    let next: unknown
    if (within instanceof z.ZodObject) next = own(within.shape, String(key))
    else if (within instanceof z.ZodRecord) next = within.valueType
    else if (within instanceof z.ZodArray) next = within.element
    if (!(next instanceof z.ZodType)) return undefined
    schema = next
    description = describedBy(next)
  }
  return { schema: unwrap(schema), description }
}

/** The value that stands at a place of what was given. */
export function valueAt(raw: unknown, keys: Keys): unknown {
  let value = raw
  for (const key of keys) {
    if (Array.isArray(value)) value = value[Number(key)]
    else if (isMapping(value)) value = own(value, String(key))
    else return undefined
  }
  return value
}

/** A place as people write it: `plan.steps[2].weight`. */
export function formatPath(keys: Keys): string {
  return keys.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return /^[A-Za-z_][\w-]*$/.test(key) ? `${text}.${key}` : `${text}[${JSON.stringify(key)}]`
  }, 'plan')
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return unwrap(schema.unwrap() as z.ZodType)
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.in as z.ZodType) : schema
}

/** Of the mappings that a union allows, the one that has most of these keys. */
function optionWith(union: z.ZodUnion, keys: readonly string[]): z.ZodObject | undefined {
  const count = ({ shape }: z.ZodObject) => keys.filter((key) => Object.hasOwn(shape, key)).length
  return union.options
    .map((one) => unwrap(one as z.ZodType))
    .filter(isObject)
    .sort((a, b) => count(b) - count(a))[0]
}

function describedBy(schema: z.ZodType): string | undefined {
  if (schema.description) return schema.description
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return describedBy(schema.unwrap() as z.ZodType)
  }
  return undefined
}

function isObject(schema: z.ZodType): schema is z.ZodObject {
  return schema instanceof z.ZodObject
}

function own(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}
