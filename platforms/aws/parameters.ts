import { GetParametersCommand, type SSMClient } from '@aws-sdk/client-ssm'
import { call } from './failures.ts'

/** GetParameters takes no more names. */
const BATCH = 10

/** The parameters of these names that are there, by name. */
export async function readParameters(
  ssm: SSMClient,
  names: string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let from = 0; from < names.length; from += BATCH) {
    const Names = names.slice(from, from + BATCH)
    const { Parameters = [] } = await call(
      `ssm:GetParameters ${Names.join(', ')}`,
      ssm.send(new GetParametersCommand({ Names })),
    )
    for (const { Name, Value } of Parameters) if (Name && Value) found.set(Name, Value)
  }
  return found
}
