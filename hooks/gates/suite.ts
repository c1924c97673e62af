import type { CommandEnd } from '../../rollout/commands.ts'
import type { Judgement } from '../../rollout/judgement.ts'
import { firstOf } from '../../rollout/judgement.ts'
import type { GateContext, GateKind } from './context.ts'

const TIMEOUT_MS = 600_000

/** One run of a suite: what it is called, and the variables that make it so. */
interface Run {
  what: string
  variables: Record<string, string>
}

/** A command of the plan; its exit code is the verdict. With flags, once with each off and on. */
export const suite: GateKind = {
  running: 'runs its suite',
  traffic: false,
  async judge(context) {
    const { gate, plan, around, position, stopped } = context
    const runs = runsOf(gate.flags)
    const ends: CommandEnd[] = []
    for (const { variables } of runs) {
      const service = gate.services?.length === 1 ? gate.services[0] : undefined
      const { ok, reason } = await around.run({
        what: 'gate',
        run: gate.run as string[],
        plan,
        position,
        service,
        environment: { ...gate.environment, ...variables },
        timeoutMs: gate.timeout ?? TIMEOUT_MS,
        signal: stopped,
      })
      if (stopped.aborted) return { result: 'inconclusive', reason: 'the hook stops' }
      ends.push({ ok, reason })
    }
    return verdictOf(runs, ends)
  },
}

/** The runs of a suite: one, or two for each flag, off and on. */
export function runsOf(flags: GateContext['gate']['flags']): Run[] {
  if (!flags) return [{ what: '', variables: {} }]
  return flags.flatMap((flag) =>
    [false, true].map((on) => {
      const name = flag.toUpperCase().replaceAll('-', '_')
      const value = String(on)
      return {
        what: `with ${flag} ${on ? 'on' : 'off'}`,
        variables: { [name]: value, [`SLUICE_FLAG_${name}`]: value },
      }
    }),
  )
}

/** What the ends of the runs of a suite say of it. Pure. */
export function verdictOf(runs: readonly Run[], ends: readonly CommandEnd[]): Judgement {
  const failed = ends.flatMap(({ ok, reason }, index) => {
    const what = runs[index]?.what ?? ''
    return ok ? [] : [what === '' ? reason : `${what}: ${reason}`]
  })
  if (failed.length > 0) return { result: 'failed', reason: firstOf(failed) }
  const all = runs.map(({ what }) => what).filter((what) => what !== '')
  const said = ends.at(-1)?.reason ?? ''
  return { result: 'passed', reason: all.length > 0 ? `passed ${all.join(', ')}` : said }
}
