import type { Threshold } from './threshold.ts'

/**
 * The side of a threshold that a criterion names. A value at the very number is not above and not
 * below it, but at least and at most it.
 */
export const SIDES = ['above', 'below', 'atLeast', 'atMost'] as const
export type Side = (typeof SIDES)[number]

/** What names one of the sides: a guardrail, a target (above or below), or a gate. */
export type Sided = { [side in Side]?: Threshold | undefined }

/** The sides as they are said. */
export const SIDE_WORDS: Record<Side, string> = {
  above: 'above',
  below: 'below',
  atLeast: 'at least',
  atMost: 'at most',
}

/** The side that a criterion names, and its threshold; undefined where it names none. */
export function sideOf(criterion: Sided): { side: Side; threshold: Threshold } | undefined {
  for (const side of SIDES) {
    const threshold = criterion[side]
    if (threshold) return { side, threshold }
  }
  return undefined
}

/** True where a value is on the side of a bound. */
export function isOn(side: Side, value: number, bound: number): boolean {
  switch (side) {
    case 'above':
      return value > bound
    case 'below':
      return value < bound
    case 'atLeast':
      return value >= bound
    case 'atMost':
      return value <= bound
  }
}

/** True where more is on the side: above and at least. */
export function isUpward(side: Side): boolean {
  return side === 'above' || side === 'atLeast'
}
