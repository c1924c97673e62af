import type { Section } from './results.ts'
export async function preview(): Promise<Section> {
  throw new Error('not yet')
}
