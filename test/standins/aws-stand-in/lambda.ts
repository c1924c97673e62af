import { createHash } from 'node:crypto'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  LambdaClient,
  RemovePermissionCommand,
} from '@aws-sdk/client-lambda'
import type { Props, ResourceType } from '../../../provider/protocol.ts'

const lambda = new LambdaClient({})

/**
 * moto gives no code back and runs none, so the function's folder is copied to where the harness of
 * the bed looks for it; moto is given its hash only.
 */
export const lambdaFunction: ResourceType = {
  computed: ['arn'],
  replaceOn: ['name'],
  async create(_ctx, inputs) {
    const name = String(inputs['name'])
    const { FunctionArn } = await lambda.send(
      new CreateFunctionCommand({
        FunctionName: name,
        Role: String(inputs['role']),
        Runtime: inputs['runtime'] as 'nodejs22.x',
        Handler: String(inputs['handler']),
        Timeout: Number(inputs['timeout']),
        MemorySize: Number(inputs['memorySize']),
        Code: { ZipFile: createHash('sha256').update(hashIn(inputs)).digest() },
      }),
    )
    keepCode(name, inputs)
    return { id: name, outputs: { ...inputs, arn: FunctionArn } }
  },
  async update(_ctx, id, olds, news) {
    keepCode(id, news)
    return { ...news, arn: olds['arn'] }
  },
  async delete(_ctx, id) {
    await lambda.send(new DeleteFunctionCommand({ FunctionName: id }))
  },
}

function keepCode(name: string, inputs: Props): void {
  const folder = process.env['SLUICE_STAND_IN_CODE']
  const from = (inputs['code'] as { path?: string }).path
  if (!folder || !from) throw new Error('the stand-in needs SLUICE_STAND_IN_CODE and a FileArchive')
  mkdirSync(join(folder, name), { recursive: true })
  cpSync(from, join(folder, name), { recursive: true })
}

function hashIn(inputs: Props): string {
  return String((inputs['code'] as { hash?: string }).hash)
}

export const permission: ResourceType = {
  async create(ctx, inputs) {
    await lambda.send(
      new AddPermissionCommand({
        FunctionName: String(inputs['function']),
        StatementId: ctx.name,
        Action: String(inputs['action']),
        Principal: String(inputs['principal']),
        SourceArn: inputs['sourceArn'] as string | undefined,
        SourceAccount: inputs['sourceAccount'] as string | undefined,
      }),
    )
    return { id: ctx.name, outputs: inputs }
  },
  async delete(_ctx, id, olds) {
    const FunctionName = String(olds['function'])
    await lambda.send(new RemovePermissionCommand({ FunctionName, StatementId: id }))
  },
}

/** Kept in state alone: moto has no such call. */
export const stateOnly: ResourceType = {
  async create(ctx, inputs) {
    return { id: ctx.name, outputs: inputs }
  },
  async update(_ctx, _id, _olds, news) {
    return news
  },
}
