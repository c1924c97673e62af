import { z } from 'zod'

const arnOf = (service: string, example: string) =>
  z.string().regex(new RegExp(`^arn:[a-z0-9-]+:${service}:`), {
    error: `give an ARN, such as ${example}`,
  })

const cluster = arnOf('ecs', 'arn:aws:ecs:eu-central-1:123456789012:cluster/production')
const role = arnOf('iam', 'arn:aws:iam::123456789012:role/shop')

const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}-[0-9a-z]+$`), {
    error: `give an id, such as ${prefix}-0123456789abcdef0`,
  })

/** Where tasks of ECS run: commands of the plan, and colours that are images. */
export const awsWork = {
  cluster: cluster
    .optional()
    .describe('the ECS cluster, of Fargate, in which commands and colours of the plan run'),
  vpc: id('vpc').optional().describe('of the target groups of colours that are images'),
  subnets: z.array(id('subnet')).default([]).describe('in which tasks run'),
  securityGroups: z
    .array(id('sg'))
    .default([])
    .describe("of tasks; the load balancer's own must reach the port of a colour"),
  publicAddresses: z
    .boolean()
    .default(false)
    .describe('true in subnets without a NAT, so that images can be pulled'),
  taskRole: role
    .optional()
    .describe('what commands and colours may do in the account; default nothing'),
  tasks: z.int().min(1).max(100).default(2).describe('of each colour that is an image'),
  cpu: z.int().min(256).max(16_384).default(256).describe('of a task, in 1/1024 of a vCPU'),
  memory: z.int().min(512).max(122_880).default(512).describe('of a task, in MiB'),
}
