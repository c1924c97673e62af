import { readFileSync } from 'node:fs'
import { chargeBody, describeIssues } from './bodies.ts'
import type { Charge } from './world.ts'

/**
 * Reads what the hook is to guard.
 * @throws Error with the file and what is wrong in it
 */
export function readCharge(path: string): Charge {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}; next: pulumi up`)
  }
  const parsed = chargeBody.safeParse(value)
  if (!parsed.success) {
    throw new Error(`${path} is no plan: ${describeIssues(parsed.error)}; next: pulumi up`)
  }
  return parsed.data
}

/**
 * Reads a token.
 * @throws Error where there is none
 */
export function readToken(path: string): string {
  const token = readFileSync(path, 'utf8').trim()
  if (token === '') throw new Error(`${path} is empty; next: delete it, then pulumi up`)
  return token
}
