import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readEvents } from '../../platforms/local/file-store.ts'
import type { Layout } from '../../platforms/local/layout.ts'
import { type Judgement, together } from '../../rollout/judgement.ts'
import { errorTypes, firstStepAt, judgeNewErrors, type Within } from '../../rollout/new-errors.ts'
import type { ColourName, Plan } from '../../rollout/plan.ts'
import { colourOf } from '../../rollout/services.ts'
import type { GateContext, GateKind } from './context.ts'

const WHOLE_HISTORY = 100_000

/** Green's log has no type of error that blue's has not. */
export const logs: GateKind = {
  traffic: true,
  async judge(context) {
    const { layout, services } = context
    const since = firstStepAt(readEvents(layout, WHOLE_HISTORY))
    const judgements: [string, Judgement][] = []
    for (const service of services) {
      judgements.push([service, await judgeService(context, service, since)])
    }
    return together(judgements)
  },
}

async function judgeService(
  { gate, plan, layout }: GateContext,
  service: string,
  since: Date | undefined,
): Promise<Judgement> {
  const pattern = new RegExp(gate.logs?.pattern as string)
  const green = logFiles(plan, layout, service, 'green')
  if (green.length === 0) {
    return { result: 'inconclusive', reason: `green of ${service} has no log in ${layout.logs}` }
  }
  // What is new has no blue whose errors would be known: each of its own is new.
  const blue = logFiles(plan, layout, service, 'blue')
  // Of a process that answers for both, blue's are those of before green had traffic.
  const shared = blue.some((file) => green.includes(file))
  return judgeNewErrors(
    await typesIn(green, pattern, { since }),
    shared && !since ? new Map() : await typesIn(blue, pattern, shared ? { before: since } : {}),
  )
}

/** The files of a colour's log, the current one last; none where it is not supervised here. */
function logFiles(plan: Plan, layout: Layout, service: string, colour: ColourName): string[] {
  const found = plan.services[service]
  const own = found && colourOf(found, colour)
  if (!own) return []
  const name = own.servedBy?.replace('.', '-') ?? `${service}-${colour}`
  const folder = join(layout.logs, name)
  if (existsSync(folder)) {
    // svlogd puts full files aside as @<time>.s or .u.
    const aside = readdirSync(folder).filter((file) => /^@[0-9a-f]+\.[su]$/.test(file))
    return [...aside.sort(), 'current']
      .map((file) => join(folder, file))
      .filter((path) => existsSync(path))
  }
  const plain = `${folder}.log`
  return [`${plain}.1`, plain].filter((path) => existsSync(path))
}

async function typesIn(
  files: readonly string[],
  pattern: RegExp,
  within: Within,
): Promise<Map<string, number>> {
  const all = new Map<string, number>()
  for (const file of files) {
    const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })
    for await (const line of lines) {
      for (const [type, times] of errorTypes([line], pattern, within)) {
        all.set(type, (all.get(type) ?? 0) + times)
      }
    }
  }
  return all
}
