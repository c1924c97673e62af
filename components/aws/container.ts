import type { Variables } from './variables.ts'

/** One container of a task definition. */
export interface ContainerArgs {
  name: string
  image: string
  /** Default: the image's own. No shell reads it. */
  command?: string[]
  variables: Variables
  /** The ARN of the entry of Secrets Manager. */
  secret?: string
  port?: number
  log: { group: string; region: string }
}

/** Until a process that was asked to end is killed; requests in flight end within it. */
const STOP_TIMEOUT_S = 60

/** The definitions of a task of one container, as ECS takes them: JSON. Pure. */
export function containerDefinitions(args: ContainerArgs): string {
  const { name, image, command, variables, secret, port, log } = args
  return JSON.stringify([
    {
      name,
      image,
      essential: true,
      ...(command === undefined ? {} : { command }),
      ...(port === undefined
        ? {}
        : { portMappings: [{ containerPort: port, hostPort: port, protocol: 'tcp' }] }),
      environment: Object.entries(variables.plain).map(([key, value]) => ({ name: key, value })),
      // Only the place of a value stands in the definition and in a state: ECS reads the value itself.
      secrets: Object.entries(variables.secret).map(([key, from]) => ({
        name: key,
        valueFrom: `${secret}:${from}::`,
      })),
      linuxParameters: { initProcessEnabled: true },
      stopTimeout: STOP_TIMEOUT_S,
      logConfiguration: {
        logDriver: 'awslogs',
        options: {
          'awslogs-group': log.group,
          'awslogs-region': log.region,
          'awslogs-stream-prefix': name,
        },
      },
    },
  ])
}
