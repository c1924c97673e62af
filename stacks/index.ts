import { dirname } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { BlueGreen } from '../components/blue-green.ts'
import { loadPlan } from '../platforms/plan-file.ts'
import { PlanError } from '../rollout/parse-plan.ts'
import { readConfig } from './config.ts'

const { plan: file, ...config } = readConfig(import.meta.dirname)
const { plan, planHash } = await loadPlan(file).catch((error: unknown) => {
  if (error instanceof PlanError) throw new pulumi.RunError(error.message)
  throw error
})

const rollout = new BlueGreen(plan.name, {
  ...config,
  plan,
  planHash,
  folder: dirname(import.meta.dirname),
})

export const position = config.position
export const weights = rollout.weights
export const platform = config.platform
