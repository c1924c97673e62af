import type { Section } from './results.ts'
export async function overhead(): Promise<Section> {
  throw new Error('not yet')
}
