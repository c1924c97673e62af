import { z } from 'zod'
import { awsWork } from './aws-work.ts'
import { name } from './words.ts'

export const arn = z.string().regex(/^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:.+$/, {
  error: 'give an ARN, such as arn:aws:elasticloadbalancing:eu-central-1:123456789012:…',
})

const metric = z
  .strictObject({
    namespace: z.string().min(1).max(255).describe('such as AWS/ECS, or one of your own'),
    metric: z.string().min(1).max(255).describe('its name in CloudWatch'),
    dimensions: z.record(z.string().min(1).max(255), z.string().min(1).max(1024)).default({}),
    statistic: z
      .string()
      .regex(/^(Average|Maximum|Minimum|Sum|SampleCount|p\d{1,2}(\.\d{1,2})?)$/, {
        error: 'give Average, Maximum, Minimum, Sum, SampleCount or a percentile such as p95',
      })
      .default('Maximum'),
  })
  .describe('a metric of CloudWatch, in the unit of the threshold that it is held against')

/** A metric of CloudWatch that stands for a query of the plan. */
export type CloudWatchMetric = z.output<typeof metric>

export const aws = z
  .strictObject({
    listener: arn
      .optional()
      .describe('of an Application Load Balancer: its rules split the traffic of the services'),
    address: z
      .url({
        protocol: /^https?$/,
        error: 'give where the listener is reached, such as https://shop.example.com',
      })
      .optional()
      .describe('where the listener is reached; gates ask both colours there, past the weights'),
    secret: arn
      .optional()
      .describe(
        'an entry of Secrets Manager whose JSON keys are the variables that env: names in the plan',
      ),
    metrics: z
      .record(name, metric)
      .default({})
      .describe('by the name of a guardrail or a gate: what stands for its query in CloudWatch'),
    functionInSubnets: z
      .boolean()
      .default(false)
      .describe(
        'true: the function runs in the subnets, so that gates reach what is internal; those need a way to the APIs of AWS',
      ),
    priority: z
      .int()
      .min(1)
      .max(49_000)
      .default(100)
      .describe("of the first of the rollout's listener rules; the others follow; default 100"),
    databases: z
      .record(
        z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, { error: 'give the name of a backup' }),
        z.string().regex(/^[a-zA-Z][a-zA-Z0-9-]{0,62}$/, {
          error: 'give a DBInstanceIdentifier, such as shop-production',
        }),
      )
      .default({})
      .describe('by the name of a backup: the RDS instance that a snapshot is taken of'),
    ...awsWork,
  })
  .describe('the platform aws')
