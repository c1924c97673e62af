import { styleText } from 'node:util'

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'bold' | 'blue' | 'green'

/** Gives a text its colour, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string

const STYLES = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'dim',
  bold: 'bold',
  blue: 'blue',
  green: 'green',
} as const

/** Leaves every text as it is. */
export const plain: Paint = (_tone, text) => text

/** Colour only where a person looks, and has not said no (https://no-color.org). */
export function paintFor(
  stream: { isTTY?: boolean } = process.stdout,
  env: NodeJS.ProcessEnv = process.env,
): Paint {
  if (!stream.isTTY || env['NO_COLOR']) return plain
  return (tone, text) => styleText(STYLES[tone], text, { validateStream: false })
}
