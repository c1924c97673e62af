import { GetParametersCommand, type SSMClient } from '@aws-sdk/client-ssm'
import { call } from './failures.ts'

/** The parameters of these names that are there, by name. */
export async function readParameters(
  ssm: SSMClient,
  names: string[],
): Promise<Map<string, string>> {
  const { Parameters = [] } = await call(
    `ssm:GetParameters ${names.join(', ')}`,
    ssm.send(new GetParametersCommand({ Names: names })),
  )
  return new Map(Parameters.flatMap(({ Name, Value }) => (Name && Value ? [[Name, Value]] : [])))
}
