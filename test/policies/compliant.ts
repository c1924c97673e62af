import { join } from 'node:path'
import { loadPlan } from '../../platforms/plan-file.ts'
import type { StackResource } from '../../policies/resources.ts'
import { split } from '../../rollout/weights.ts'

const file = join(import.meta.dirname, '..', '..', 'stacks', 'huntred.plan.yaml')

/** The resources of a stack that goes from 10 to 25, with which no policy finds anything wrong. */
export async function compliantStack() {
  const { plan } = await loadPlan(file)
  const admission = {
    type: 'sluice:index:Admission',
    props: {
      plan,
      previous: { huntred: split(10) },
      weights: { huntred: split(25) },
    },
  }
  const resources: StackResource[] = [
    { type: 'sluice:local:Hook', props: {} },
    { type: 'sluice:local:Alarms', props: {} },
    { type: 'sluice:index:Backup', props: { backup: 'huntred' } },
    admission,
  ]
  return { plan, admission: admission.props, resources }
}
