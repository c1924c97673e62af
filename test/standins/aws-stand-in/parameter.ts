import {
  DeleteParameterCommand,
  GetParameterCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm'
import type { Props, ResourceType } from '../../../provider/protocol.ts'

const ssm = new SSMClient({})

export const parameter: ResourceType = {
  replaceOn: ['name'],
  async create(_ctx, inputs) {
    await put(inputs)
    return { id: String(inputs['name']), outputs: inputs }
  },
  async update(_ctx, _id, _olds, news) {
    await put(news)
    return news
  },
  async read(_ctx, id, olds) {
    try {
      const { Parameter } = await ssm.send(new GetParameterCommand({ Name: id }))
      return { outputs: { ...olds, value: Parameter?.Value } }
    } catch (error) {
      if ((error as Error).name === 'ParameterNotFound') return undefined
      throw error
    }
  },
  async delete(_ctx, id) {
    await ssm.send(new DeleteParameterCommand({ Name: id }))
  },
}

async function put(inputs: Props): Promise<void> {
  await ssm.send(
    new PutParameterCommand({
      Name: String(inputs['name']),
      Value: String(inputs['value']),
      Type: 'String',
      Overwrite: true,
    }),
  )
}
