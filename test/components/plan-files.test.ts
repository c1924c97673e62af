import { join } from 'node:path'
import { expect, it } from 'vitest'
import { planFiles } from '../../components/kubernetes/files.ts'
import { loadPlan } from '../../platforms/plan-file.ts'
import { checkout } from '../../tools/checkout.ts'

const plan = async () => (await loadPlan(join(checkout, 'stacks', 'huntred.plan.yaml'))).plan

it('the files that a plan names are carried along, each once', async () => {
  const problems: string[] = []
  const files = planFiles(await plan(), checkout, (problem) => problems.push(problem))
  expect(problems).toEqual([])
  expect(Object.keys(files)).toEqual(['examples/huntred/parity.http'])
  expect(files['examples/huntred/parity.http']).toContain('### business logic')
})

it('a file that is not there is named with the gate that wants it', async () => {
  const problems: string[] = []
  planFiles(await plan(), join(checkout, 'test'), (problem) => problems.push(problem))
  expect(problems[0]).toMatch(
    /^plan\.gates\.logic\.replay: examples\/huntred\/parity\.http cannot be read: ENOENT/,
  )
})
