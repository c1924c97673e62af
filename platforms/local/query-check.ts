import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Plan } from '../../rollout/plan.ts'
import { findProgram } from '../../tools/programs.ts'

/** A query of a plan, and where it stands. */
export interface PlacedQuery {
  /** `guardrails.precision.query` */
  place: string
  query: string
}

/** Every query that a plan has. */
export function queriesOf(plan: Plan): PlacedQuery[] {
  const of = (folder: string, entries: Record<string, { query?: string }>): PlacedQuery[] =>
    Object.entries(entries).flatMap(([name, { query }]) =>
      query === undefined ? [] : [{ place: `${folder}.${name}.query`, query }],
    )
  return [
    ...of('guardrails', plan.guardrails),
    ...of('gates', plan.gates),
    ...of('report.targets', plan.report.targets),
    ...Object.entries(plan.services).flatMap(([name, { state }]) =>
      state.inFlight === undefined
        ? []
        : [{ place: `services.${name}.state.inFlight`, query: state.inFlight }],
    ),
  ]
}

/**
 * Asks Prometheus' own parser about every query of a plan: promtool where it is there, else a
 * Prometheus that runs. Where there is neither, nothing is said; Prometheus refuses the rules then.
 *
 * @param port of a Prometheus on loopback
 * @throws Error that names each wrong query by its place
 */
export async function checkQueries(plan: Plan, port: number): Promise<void> {
  const queries = queriesOf(plan)
  if (queries.length === 0) return
  const program = promtool()
  const wrong = program ? await askPromtool(program, queries) : await askPrometheus(port, queries)
  if (wrong.length === 0) return
  throw new Error(
    wrong
      .map(({ place, problem }) => `${place}: is no query to Prometheus: ${problem}`)
      .concat('next: correct it in the plan; nothing was changed')
      .join('\n'),
  )
}

interface WrongQuery {
  place: string
  problem: string
}

function promtool(): string | undefined {
  try {
    return findProgram('promtool')
  } catch {
    return undefined
  }
}

/** Each query is a rule of its own, so that none closes a bracket of another. */
async function askPromtool(program: string, queries: PlacedQuery[]): Promise<WrongQuery[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-queries-'))
  try {
    const groups = queries.map(({ query }, index) => ({
      name: `query ${index}`,
      rules: [{ record: `sluice_query_${index}`, expr: query }],
    }))
    const file = join(folder, 'queries.yml')
    writeFileSync(file, stringify({ groups }, { lineWidth: 0 }))
    const child = spawn(program, ['check', 'rules', '--lint=none', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 30_000,
    })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    const [code] = await once(child, 'close')
    if (code === 0) return []
    const found = queries.flatMap(({ place }, index) => {
      const line = said.split('\n').find((text) => text.includes(`"sluice_query_${index}"`))
      if (line === undefined) return []
      return [{ place, problem: line.replace(/^.*could not parse expression: /, '').trim() }]
    })
    if (found.length > 0) return found
    return [{ place: queries.map(({ place }) => place).join(', '), problem: said.trim() }]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function askPrometheus(port: number, queries: PlacedQuery[]): Promise<WrongQuery[]> {
  const answers = await Promise.all(
    queries.map(async ({ place, query }) => {
      const url = `http://127.0.0.1:${port}/api/v1/format_query?query=${encodeURIComponent(query)}`
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) })
        .then((response) => response.json() as Promise<{ status?: string; error?: string }>)
        .catch(() => undefined)
      return answer?.status === 'error' ? [{ place, problem: answer.error ?? 'refused' }] : []
    }),
  )
  return answers.flat()
}
