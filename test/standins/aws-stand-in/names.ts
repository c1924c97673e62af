import { createHash } from 'node:crypto'
import type { Context, Props } from '../../../provider/protocol.ts'

/** The name given, or one from the resource's own, as the real provider makes it. */
export function named(ctx: Context, inputs: Props, key = 'name'): Props {
  if (inputs[key] !== undefined) return inputs
  const suffix = createHash('sha256').update(ctx.urn).digest('hex').slice(0, 7)
  return { ...inputs, [key]: `${ctx.name}-${suffix}` }
}

/** A check that only names. */
export const checkName = async (ctx: Context, olds: Props | undefined, news: Props) => ({
  inputs:
    olds?.['name'] !== undefined && news['name'] === undefined
      ? { ...news, name: olds['name'] }
      : named(ctx, news),
})
