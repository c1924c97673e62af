import { dirname } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { BlueGreen } from '../components/blue-green.ts'
import { platformDeclaration } from '../components/platforms.ts'
import { loadPlan } from '../platforms/plan-file.ts'
import { environmentProblems } from '../rollout/environments.ts'
import { PlanError } from '../rollout/parse-plan.ts'
import { findPosition, positionsOf } from '../rollout/positions.ts'
import { readConfig } from './config.ts'

const { plan: file, ...config } = readConfig(import.meta.dirname)
const { plan, planHash } = await loadPlan(file).catch((error: unknown) => {
  if (error instanceof PlanError) throw new pulumi.RunError(error.message)
  throw error
})

const problems = environmentProblems(plan, config, process.env['SLUICE_REHEARSAL'] === '1')
if (problems.length > 0) throw new pulumi.RunError(problems.join('\n'))

// A number stands for a name; a name that is not known goes on to the admission, which lists them.
const step = findPosition(positionsOf(plan), config.position)?.name ?? config.position

const rollout = new BlueGreen(plan.name, {
  ...config,
  position: step,
  plan,
  planHash,
  folder: dirname(import.meta.dirname),
  declare: await platformDeclaration(config.platform.kind),
})

/** The outputs of the stack; those of a platform that has none are left out. */
export default {
  position: step,
  weights: rollout.weights,
  platform: config.platform,
  ...rollout.outputs,
}
