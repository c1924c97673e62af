import { z } from 'zod'
import { awsWork } from './aws-work.ts'

export const arn = z.string().regex(/^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:.+$/, {
  error: 'give an ARN, such as arn:aws:elasticloadbalancing:eu-central-1:123456789012:…',
})

export const aws = z
  .strictObject({
    listener: arn
      .optional()
      .describe('of an Application Load Balancer: its rules split the traffic of the services'),
    secret: arn
      .optional()
      .describe(
        'an entry of Secrets Manager whose JSON keys are the variables that env: names in the plan',
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
