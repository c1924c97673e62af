import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Plan } from '../../rollout/plan.ts'
import { filesOf } from '../../rollout/plan-uses.ts'

/** A ConfigMap holds no more, and they stand in one. */
const LIMIT = 900_000

/**
 * The texts of the files that the plan names.
 * @param folder the project's
 * @param say told of each that cannot be had: its place and why
 */
export function planFiles(
  plan: Plan,
  folder: string,
  say: (problem: string) => void,
): Record<string, string> {
  const files: Record<string, string> = {}
  for (const { place, file } of filesOf(plan)) {
    try {
      files[file] = readFileSync(resolve(folder, file), 'utf8')
    } catch (error) {
      say(`plan.${place}: ${file} cannot be read: ${(error as Error).message}`)
    }
  }
  const bytes = Buffer.byteLength(JSON.stringify(files))
  if (bytes > LIMIT) {
    say(
      `plan.gates: the files that they name have ${bytes} bytes; a cluster keeps ${LIMIT} of them`,
    )
  }
  return files
}
