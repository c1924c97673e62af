/**
 * What moto lacks of CloudWatch's alarms, as its documents say it: metric math as the rollout's
 * alarms use it, and M of N with missing data. A stand-in: the real one also knows anomaly bands,
 * low sample counts, cross-account metrics and much more.
 */

/** Datapoints by the start of their period, ms. */
export type Series = Map<number, number>
type Value = number | Series

/**
 * Evaluates an expression over series that have a period in common.
 * @param times the periods that are looked at: FILL fills these, and no others
 * @throws Error naming what it does not know: nothing is guessed
 */
export function evaluate(
  expression: string,
  series: Record<string, Series>,
  times: readonly number[],
): Series {
  const tokens = expression.match(/\d+(?:\.\d+)?|[A-Za-z]\w*|>=|<=|==|[-+*/(),<>]/g) ?? []
  if (tokens.join('') !== expression.replaceAll(/\s/g, '')) {
    throw new Error(`metric math that the stand-in does not know: ${expression}`)
  }
  let at = 0
  const take = (wanted?: string): string => {
    const token = tokens[at++]
    if (token === undefined || (wanted !== undefined && token !== wanted)) {
      throw new Error(`metric math: ${wanted ?? 'more'} expected at ${at} of ${expression}`)
    }
    return token
  }
  const binary = (operands: () => Value, known: Record<string, Operator>) => (): Value => {
    let left = operands()
    for (let token = tokens[at]; token && Object.hasOwn(known, token); token = tokens[at]) {
      take()
      left = combine(known[token] as Operator, left, operands())
    }
    return left
  }
  const atom = (): Value => {
    const token = take()
    if (token === '(') {
      const value = or()
      take(')')
      return value
    }
    if (token === '-') return combine((a, b) => a - b, 0, atom())
    if (/^\d/.test(token)) return Number(token)
    if (tokens[at] === '(') return call(token)
    const found = series[token]
    if (!found) throw new Error(`metric math: no series ${token} in ${expression}`)
    return found
  }
  const call = (name: string): Value => {
    take('(')
    const given: Value[] = []
    const words: string[] = []
    do {
      if (tokens[at] === 'REPEAT') words.push(take())
      else given.push(or())
    } while (tokens[at] === ',' && take())
    take(')')
    if (name === 'FILL') return fill(given[0] as Series, words[0] ? 'REPEAT' : given[1], times)
    if (name === 'IF' && given.length === 3) return choose(given as [Value, Value, Value])
    throw new Error(`metric math: ${name} is not known to the stand-in`)
  }
  const product = binary(atom, { '*': (a, b) => a * b, '/': (a, b) => a / b })
  const sum = binary(product, { '+': (a, b) => a + b, '-': (a, b) => a - b })
  const comparison = binary(sum, {
    '>=': (a, b) => Number(a >= b),
    '<=': (a, b) => Number(a <= b),
    '>': (a, b) => Number(a > b),
    '<': (a, b) => Number(a < b),
    '==': (a, b) => Number(a === b),
  })
  const and = binary(comparison, { AND: (a, b) => Number(a !== 0 && b !== 0) })
  const or = binary(and, { OR: (a, b) => Number(a !== 0 || b !== 0) })
  const value = or()
  if (at !== tokens.length)
    throw new Error(`metric math: ${tokens[at]} is too much in ${expression}`)
  return typeof value === 'number' ? new Map(times.map((time) => [time, value])) : finite(value)
}

type Operator = (a: number, b: number) => number

/** Of two series only what both have has a value. */
function combine(operator: Operator, a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return operator(a, b)
  const times = typeof a === 'number' ? (b as Series).keys() : a.keys()
  const result: Series = new Map()
  for (const time of times) {
    const [left, right] = [atTime(a, time), atTime(b, time)]
    if (left !== undefined && right !== undefined) result.set(time, operator(left, right))
  }
  return result
}

function choose([condition, yes, no]: [Value, Value, Value]): Value {
  const result: Series = new Map()
  if (typeof condition === 'number') return condition !== 0 ? yes : no
  for (const [time, value] of condition) {
    const chosen = atTime(value !== 0 ? yes : no, time)
    if (chosen !== undefined) result.set(time, chosen)
  }
  return result
}

function fill(series: Series, by: Value | 'REPEAT' | undefined, times: readonly number[]): Series {
  const result = new Map(series)
  let last: number | undefined
  for (const time of [...times].sort((a, b) => a - b)) {
    const own = series.get(time)
    if (own !== undefined) last = own
    const filler = by === 'REPEAT' ? last : by === undefined ? undefined : atTime(by, time)
    if (own === undefined && filler !== undefined) result.set(time, filler)
  }
  return result
}

function atTime(value: Value, time: number): number | undefined {
  return typeof value === 'number' ? value : value.get(time)
}

/** A division by nothing has no datapoint. */
function finite(series: Series): Series {
  return new Map([...series].filter(([, value]) => Number.isFinite(value)))
}

/** How a stored alarm judges datapoints. */
export interface Judge {
  comparison: string
  threshold: number
  evaluationPeriods: number
  datapointsToAlarm: number
  treatMissingData: string
}

/** CloudWatch looks this far behind N for datapoints that are not missing. */
const RANGE = 3

/** How many periods an alarm has to be given. */
export function rangeOf({ evaluationPeriods }: Pick<Judge, 'evaluationPeriods'>): number {
  return evaluationPeriods + RANGE
}

/**
 * The state of an alarm: of the evaluation range the N newest datapoints that are there count; where
 * fewer are, `treatMissingData` stands for the others.
 *
 * @param newestFirst datapoints of the evaluation range, undefined where there is none
 */
export function stateOf(
  judge: Judge,
  newestFirst: readonly (number | undefined)[],
  before: string,
): 'ALARM' | 'OK' | 'INSUFFICIENT_DATA' {
  const { evaluationPeriods: n, datapointsToAlarm: m, treatMissingData: missing } = judge
  const there = newestFirst.filter((value) => value !== undefined).slice(0, n)
  const left = n - there.length
  const breaching = there.filter((value) => breaches(judge, value)).length
  if (left === 0) return breaching >= m ? 'ALARM' : 'OK'
  if (missing === 'breaching') return breaching + left >= m ? 'ALARM' : 'OK'
  if (missing === 'notBreaching') return breaching >= m ? 'ALARM' : 'OK'
  if (missing === 'ignore' && there.length === 0) return before as 'OK'
  if (there.length === 0) return 'INSUFFICIENT_DATA'
  return breaching >= m ? 'ALARM' : 'OK'
}

function breaches({ comparison, threshold }: Judge, value: number): boolean {
  switch (comparison) {
    case 'GreaterThanThreshold':
      return value > threshold
    case 'GreaterThanOrEqualToThreshold':
      return value >= threshold
    case 'LessThanThreshold':
      return value < threshold
    case 'LessThanOrEqualToThreshold':
      return value <= threshold
    default:
      throw new Error(`the stand-in does not know the comparison ${comparison}`)
  }
}
