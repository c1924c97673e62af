import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterApi, ClusterObject } from '../platforms/kubernetes/api.ts'
import {
  commandJob,
  commandKey,
  type JobCommand,
  START_MS,
} from '../platforms/kubernetes/manifests/command.ts'
import { COMMAND_LABEL, jobs, type Place, pods } from '../platforms/kubernetes/names.ts'
import { formatDuration } from '../rollout/duration.ts'
import type { Plan } from '../rollout/plan.ts'
import type { CommandResult } from './command.ts'
import { readOutcome } from './command-outcome.ts'
import { LEFT } from './surroundings.ts'

const LOOK_EVERY_MS = 300

type Job = ClusterObject & {
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] }
}
interface State {
  waiting?: { reason?: string; message?: string }
  terminated?: { exitCode?: number; reason?: string; message?: string }
}
type Pod = ClusterObject & { status?: { containerStatuses?: { state?: State }[] } }

/**
 * Runs a command of the plan as a Job in the runner's image. One that a hook before this one has
 * begun, and that runs still, is waited for: it never runs twice at once. A timeout and an abort end
 * it, unless the hook leaves it to the next one. Never throws.
 */
export async function runInJob(
  api: ClusterApi,
  place: Place,
  plan: Plan,
  command: JobCommand,
  signal?: AbortSignal,
): Promise<CommandResult> {
  const started = performance.now()
  const failed = (reason: string, code: number | null = null): CommandResult => ({
    ...{ ok: false, code, output: '', reason },
    tookMs: Math.round(performance.now() - started),
  })
  if (!plan.runner) return failed('runner is missing in the plan: runner: { image: … }')
  let name: string
  try {
    name = (await running(api, place, command)) ?? (await begun(api, place, plan, command))
  } catch (error) {
    return failed(`no Job could be made: ${(error as Error).message}`)
  }
  const end = async (why: string) => {
    await remove(api, place, name)
    return failed(why)
  }
  const longest = command.timeoutMs + START_MS
  for (let last = 'it has not begun'; ; ) {
    if (signal?.aborted && signal.reason === LEFT) return failed('goes on without the hook')
    if (signal?.aborted) return end('ended, as the hook stops')
    try {
      const seen = await look(api, place, name)
      if ('result' in seen) return seen.result
      if ('failed' in seen) return failed(seen.failed, seen.code)
      last = seen.waits ?? last
    } catch (error) {
      // A Job goes on while the API server is away.
      last = (error as Error).message
    }
    if (performance.now() - started > longest) {
      return end(`Job ${name} was ended after ${formatDuration(longest)}: ${last}`)
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
  }
}

type Seen =
  | { result: CommandResult }
  | { failed: string; code?: number }
  | { waits: string | undefined }

async function look(api: ClusterApi, place: Place, name: string): Promise<Seen> {
  const job = await api.find<Job>(`${jobs(place)}/${name}`)
  if (!job) return { failed: `Job ${name} was deleted` }
  const labelSelector = `batch.kubernetes.io/job-name=${name}`
  const [pod] = await api.list<Pod>(pods(place), { labelSelector })
  const state = pod?.status?.containerStatuses?.[0]?.state
  const result = readOutcome(state?.terminated?.message)
  if (result) return { result }
  const over = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Failed' || type === 'Complete') && status === 'True',
  )
  if (!over) return { waits: state?.waiting?.message ?? state?.waiting?.reason }
  const { exitCode, reason, message } = state?.terminated ?? {}
  const why = [message ?? over.message ?? over.reason, reason].filter(Boolean).join(', ')
  const code = exitCode === undefined ? '' : `exit code ${exitCode}, `
  return { failed: `Job ${name}: ${code}it left no word (${why})`, code: exitCode }
}

/** The Job of this very command that has not ended, which a hook before this one has made. */
async function running(api: ClusterApi, place: Place, command: JobCommand) {
  const labelSelector = `${COMMAND_LABEL}=${commandKey(command)}`
  const found = (await api.list<Job>(jobs(place), { labelSelector })).find(
    ({ status, metadata }) =>
      !metadata.deletionTimestamp &&
      !status?.conditions?.some(
        ({ type, status: is }) => (type === 'Failed' || type === 'Complete') && is === 'True',
      ),
  )
  return found?.metadata.name
}

async function begun(api: ClusterApi, place: Place, plan: Plan, command: JobCommand) {
  const { metadata } = await api.create<Job>(jobs(place), commandJob(place, plan, command))
  return metadata.name
}

async function remove(api: ClusterApi, place: Place, name: string): Promise<void> {
  const query = { propagationPolicy: 'Background' }
  await api.ask('DELETE', `${jobs(place)}/${name}`, { query }).catch(() => {})
}
