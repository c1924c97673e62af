import { join } from 'node:path'
import { expect, it } from 'vitest'
import { planMarkdown } from '../../cli/plan-table.ts'
import { loadPlan } from '../../platforms/plan-file.ts'
import { positionsOf } from '../../rollout/positions.ts'
import { checkout } from '../../tools/checkout.ts'

const NAMES = ['huntred', 'hexabuilders', 'resume-review', 'supersmartmatch', 'cvplus']

// `vitest -u` writes the files anew; they are what `sluice plan --format markdown` prints.
it.each(NAMES)('the table of %s is committed as it reads', async (name) => {
  const { plan } = await loadPlan(join(checkout, 'stacks', `${name}.plan.yaml`))
  const lines = planMarkdown(plan, positionsOf(plan))
  const file = join(checkout, 'stacks', `${name}.md`)
  await expect(`${lines.join('\n').trimEnd()}\n`).toMatchFileSnapshot(file)
})
