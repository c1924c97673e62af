import type { Section } from './results.ts'
export async function shares(): Promise<Section> {
  throw new Error('not yet')
}
