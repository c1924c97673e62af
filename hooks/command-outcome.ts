import { z } from 'zod'
import { OUTCOME_BYTES } from '../platforms/kubernetes/manifests/command.ts'
import type { CommandResult } from './command.ts'

const outcome = z.object({
  ok: z.boolean(),
  code: z.number().nullable(),
  output: z.string(),
  how: z.string(),
  tookMs: z.number(),
})

/** What came of a command as its pod's last word, of which the end of what it said is kept. */
export function outcomeText(result: CommandResult): string {
  const { ok, code, tookMs, reason } = result
  const said = result.output.trim()
  const how =
    said !== '' && reason.endsWith(`: ${said}`) ? reason.slice(0, -said.length - 2) : reason
  for (let output = said; ; output = output.slice(Math.ceil(output.length / 10))) {
    const text = JSON.stringify({ ok, code, output, how: how.slice(0, 300), tookMs })
    if (Buffer.byteLength(text) <= OUTCOME_BYTES || output === '') return text
  }
}

/** @returns undefined where it is no such text: the program did not come to its end */
export function readOutcome(text: string | undefined): CommandResult | undefined {
  let value: unknown
  try {
    value = JSON.parse(text ?? '')
  } catch {
    return undefined
  }
  const parsed = outcome.safeParse(value)
  if (!parsed.success) return undefined
  const { ok, code, output, how, tookMs } = parsed.data
  const reason = [how, output].filter((part) => part !== '').join(': ')
  return { ok, code, output, reason, tookMs }
}
