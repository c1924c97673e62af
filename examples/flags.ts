import { readFileSync, statSync } from 'node:fs'

/**
 * Reads flags live from the flag file SLUICE_FLAGS, in the format of flagd
 * (https://flagd.dev/reference/flag-definitions/). A file that is not there is a file without
 * flags; one that cannot be read leaves what was read last.
 */
export function readFlags(file = process.env['SLUICE_FLAGS']): Evaluate {
  const now = performance.now()
  if (file === undefined || now - lookedAt < 50) return current
  lookedAt = now
  try {
    const { mtimeMs, ino } = statSync(file)
    const stamp = `${file} ${mtimeMs} ${ino}`
    if (stamp === read) return current
    current = evaluator(JSON.parse(readFileSync(file, 'utf8')))
    read = stamp
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') current = () => false
  }
  return current
}

/** The value of a flag for somebody; what is not known is off. */
export type Evaluate = (flag: string, context: Record<string, unknown>) => boolean

let read = ''
let lookedAt = Number.NEGATIVE_INFINITY
let current: Evaluate = () => false

interface Definition {
  state: string
  variants: Record<string, unknown>
  defaultVariant: string
  targeting?: unknown
}

/** Makes the flags of a definition answerable. */
export function evaluator(definition: { flags?: Record<string, Definition> }): Evaluate {
  return (flag, context) => {
    const found = definition.flags?.[flag]
    if (found?.state !== 'ENABLED') return false
    const { targeting, defaultVariant, variants } = found
    const empty = targeting === undefined || Object.keys(targeting as object).length === 0
    const variant = empty ? defaultVariant : (apply(targeting, context) ?? defaultVariant)
    return variants[String(variant)] === true
  }
}

/** As much of JsonLogic as the flags of a rollout need. */
function apply(logic: unknown, context: Record<string, unknown>): unknown {
  if (typeof logic !== 'object' || logic === null || Array.isArray(logic)) return logic
  const [operator, given] = Object.entries(logic)[0] ?? []
  const operands = Array.isArray(given) ? given : [given]
  const value = (index: number) => apply(operands[index], context)
  switch (operator) {
    case 'var':
      return context[String(operands[0])]
    case 'if': {
      for (let index = 0; index + 1 < operands.length; index += 2) {
        if (value(index)) return value(index + 1)
      }
      return operands.length % 2 === 1 ? value(operands.length - 1) : undefined
    }
    case 'and':
      return operands.every((_, index) => value(index))
    case 'or':
      return operands.some((_, index) => value(index))
    case '!':
      return !value(0)
    case '==':
      return value(0) === value(1)
    case '<':
      return Number(value(0)) < Number(value(1))
    case '>=':
      return Number(value(0)) >= Number(value(1))
    default:
      return undefined
  }
}
