import type { PolicyDocument, PolicyStatement } from './policies.ts'

/** What ECS itself may do for the tasks of a rollout: pull, read the one secret, write the one log. */
export function executionPolicy({
  cluster,
  log,
  secret,
}: {
  /** An ARN, of which partition, region and account are taken. */
  cluster: string
  log: string
  secret?: string
}): PolicyDocument {
  const [, partition, , region, account] = cluster.split(':')
  const logs = `arn:${partition}:logs:${region}:${account}:log-group:${log}`
  const allow = (Sid: string, Action: string[], Resource: string[]): PolicyStatement => ({
    ...{ Sid, Effect: 'Allow', Action, Resource },
  })
  return {
    Version: '2012-10-17',
    Statement: [
      // Has no resource in IAM.
      allow('SignInToRegistries', ['ecr:GetAuthorizationToken'], ['*']),
      allow(
        'Pull',
        ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        [`arn:${partition}:ecr:*:*:repository/*`],
      ),
      allow('Log', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logs, `${logs}:*`]),
      ...(secret === undefined
        ? []
        : [allow('ReadTheSecret', ['secretsmanager:GetSecretValue'], [secret])]),
    ],
  }
}

/**
 * What the hook may do to run commands: tasks of the one definition, in the one cluster, with the roles
 * of that definition, which only ECS' tasks may take.
 */
export function runnerStatements({
  cluster,
  family,
  roles,
}: {
  cluster: string
  /** Of the task definition. */
  family: string
  roles: string[]
}): PolicyStatement[] {
  const [, partition, , region, account] = cluster.split(':')
  const within = { ArnEquals: { 'ecs:cluster': cluster } }
  const tasks = `${cluster.replace(':cluster/', ':task/')}/*`
  return [
    {
      ...{ Sid: 'RunCommands', Effect: 'Allow', Action: ['ecs:RunTask'] },
      Resource: [`arn:${partition}:ecs:${region}:${account}:task-definition/${family}:*`],
      Condition: within,
    },
    {
      ...{ Sid: 'SeeCommandsEnd', Effect: 'Allow', Action: ['ecs:DescribeTasks', 'ecs:StopTask'] },
      Resource: [tasks],
      Condition: within,
    },
    {
      ...{ Sid: 'GiveCommandsTheirRoles', Effect: 'Allow', Action: ['iam:PassRole'] },
      Resource: roles,
      Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    },
  ]
}
