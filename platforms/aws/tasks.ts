import {
  DescribeTasksCommand,
  type ECSClient,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs'
import type { CommandEnd } from '../../rollout/commands.ts'
import { Unavailable } from '../platform.ts'
import { call } from './failures.ts'
import type { AwsRunner } from './layout.ts'

/** A command of the plan, as a task runs it: no shell reads it. */
export interface TaskCommand {
  /** ECS starts one task for it, however often it is asked within a day; at most 64 characters. */
  token: string
  run: readonly string[]
  environment: Record<string, string>
}

/**
 * Starts a task for a command, or finds the one that was started for this token within a day.
 * @returns its ARN
 * @throws Unavailable where ECS does not start it, with its reason
 */
export async function startTask(
  ecs: ECSClient,
  runner: AwsRunner,
  { token, run, environment }: TaskCommand,
): Promise<string> {
  const { tasks = [], failures = [] } = await call(
    `ecs:RunTask ${runner.taskDefinition}`,
    ecs.send(
      new RunTaskCommand({
        cluster: runner.cluster,
        taskDefinition: runner.taskDefinition,
        launchType: 'FARGATE',
        count: 1,
        clientToken: token,
        startedBy: `sluice/${token.slice(0, 29)}`,
        networkConfiguration: {
          awsvpcConfiguration: {
            subnets: runner.subnets,
            securityGroups: runner.securityGroups,
            assignPublicIp: runner.publicAddress ? 'ENABLED' : 'DISABLED',
          },
        },
        overrides: {
          containerOverrides: [
            {
              name: runner.container,
              command: [...run],
              environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
            },
          ],
        },
      }),
    ),
  )
  const arn = tasks[0]?.taskArn
  if (arn !== undefined) return arn
  const why = failures.map(({ reason, detail }) => [reason, detail].filter(Boolean).join(' '))
  throw new Unavailable(
    `ecs:RunTask ${runner.taskDefinition} started nothing: ${why.join(', ') || 'no reason given'}; next: aws ecs describe-clusters --clusters ${runner.cluster}`,
  )
}

/** How a task ended; undefined while it has not. One that ECS has forgotten has failed. */
export async function endOfTask(
  ecs: ECSClient,
  runner: AwsRunner,
  arn: string,
): Promise<CommandEnd | undefined> {
  const { tasks = [] } = await call(
    `ecs:DescribeTasks ${arn}`,
    ecs.send(new DescribeTasksCommand({ cluster: runner.cluster, tasks: [arn] })),
  )
  return endOf(tasks[0], runner, arn)
}

/** Reads the end of a task. Pure. */
export function endOf(
  task: Task | undefined,
  { container: name, log }: Pick<AwsRunner, 'container' | 'log'>,
  arn: string,
): CommandEnd | undefined {
  const id = arn.split('/').at(-1)
  const said = `its words: aws logs tail ${log} --log-stream-name-prefix ${name}/${name}/${id}`
  if (!task) return { ok: false, reason: `ECS has forgotten task ${id}, and how it ended; ${said}` }
  if (task.lastStatus !== 'STOPPED') return undefined
  const container = task.containers?.find((one) => one.name === name)
  const code = container?.exitCode
  // One that never began has no exit code, which is no success.
  const how =
    code === undefined
      ? (container?.reason ?? task.stoppedReason ?? 'it ended without an exit code')
      : `exit code ${code}`
  return { ok: code === 0, reason: `${how}; ${said}` }
}

/** Ends a task; how it ended is read like that of any other. */
export async function stopTask(
  ecs: ECSClient,
  runner: AwsRunner,
  arn: string,
  reason: string,
): Promise<void> {
  await call(
    `ecs:StopTask ${arn}`,
    ecs.send(new StopTaskCommand({ cluster: runner.cluster, task: arn, reason })),
  )
}
