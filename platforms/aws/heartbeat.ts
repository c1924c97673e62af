import { PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm'
import { formatSpan } from '../../rollout/duration.ts'
import type { Guard } from '../../rollout/observation.ts'
import type { Plan } from '../../rollout/plan.ts'
import type { AwsReference } from '../reference.ts'
import { call } from './failures.ts'
import { parameterNames } from './layout.ts'
import { readParameters } from './parameters.ts'
import { awayMs } from './reference.ts'
import { LongTexts } from './texts.ts'

/** What the hook says of itself each time that it has looked at everything. */
export interface Heartbeat {
  /** ISO 8601, UTC. */
  at: string
  planHash: string
  clock: number
  /** Which environment of the plan this is, where it has any. */
  environment?: string
  /** What stands for the text of the plan: see {@link LongTexts}. */
  plan: string
  /** Why it cannot guard although it is awake. */
  trouble?: string
}

export async function readHeartbeat(
  ssm: SSMClient,
  rollout: string,
): Promise<Heartbeat | undefined> {
  const { heartbeat } = parameterNames(rollout)
  const text = (await readParameters(ssm, [heartbeat])).get(heartbeat)
  return text === undefined ? undefined : (JSON.parse(text) as Heartbeat)
}

/** Overwrites: whoever comes last has looked last. */
export async function writeHeartbeat(
  ssm: SSMClient,
  rollout: string,
  beat: Omit<Heartbeat, 'plan'> & { plan: Plan },
): Promise<void> {
  const names = parameterNames(rollout)
  const plan = await new LongTexts(ssm, names.texts).write(JSON.stringify(beat.plan))
  const Value = JSON.stringify({ ...beat, plan } satisfies Heartbeat)
  await call(
    `ssm:PutParameter ${names.heartbeat}`,
    ssm.send(
      new PutParameterCommand({ Name: names.heartbeat, Value, Type: 'String', Overwrite: true }),
    ),
  )
}

/** The plan that the hook guards. */
export async function planOfHeartbeat(
  ssm: SSMClient,
  rollout: string,
  { plan }: Heartbeat,
): Promise<Plan> {
  const text = await new LongTexts(ssm, parameterNames(rollout).texts).read(plan)
  return JSON.parse(text) as Plan
}

/** Whether the hook guards, by what it said last. Pure. */
export function guardOf(
  beat: Heartbeat | undefined,
  reference: Pick<AwsReference, 'tick'>,
  now: Date,
): Guard {
  if (!beat) return { alive: false, reason: 'the hook has not been heard of yet' }
  const { planHash, environment } = beat
  const known = { planHash, ...(environment === undefined ? {} : { environment }) }
  const reason = troubleOf(beat, now.getTime() - Date.parse(beat.at), awayMs(reference))
  return reason === undefined ? { alive: true, ...known } : { alive: false, ...known, reason }
}

function troubleOf({ at, trouble }: Heartbeat, ms: number, most: number): string | undefined {
  if (Number.isNaN(ms)) return `the hook gives no time: ${JSON.stringify(at)}`
  if (ms > most) {
    return `the hook was heard of ${formatSpan(ms)} ago, which is more than ${formatSpan(most)}`
  }
  // By a clock that is behind a hook that is long gone would be fresh.
  if (ms < -most) {
    return `the hook was heard of ${formatSpan(-ms)} from now, so the clock here is behind, or its own ahead`
  }
  return trouble
}
