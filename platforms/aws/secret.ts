import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { z } from 'zod'
import { Refused } from '../platform.ts'
import type { Clients } from './clients.ts'
import { call } from './failures.ts'

const variables = z.record(z.string(), z.string())

/**
 * The variables that a plan's `env:` names, from the entry of Secrets Manager that it names: a JSON
 * object of texts, as ECS and the console take it. What it holds is never shown.
 * @throws Unavailable where it cannot be read
 * @throws Refused where it holds something else
 */
export async function readVariables(
  { secrets }: Pick<Clients, 'secrets'>,
  arn: string,
): Promise<Record<string, string>> {
  const { SecretString } = await call(
    `secretsmanager:GetSecretValue ${arn}`,
    secrets.send(new GetSecretValueCommand({ SecretId: arn })),
  )
  let value: unknown
  try {
    value = JSON.parse(SecretString ?? '')
  } catch {
    value = undefined
  }
  const parsed = variables.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Refused(
    `${arn} holds no JSON object of texts; give it as {"NAME": "value"}: aws secretsmanager put-secret-value`,
  )
}
