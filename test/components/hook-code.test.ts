import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hookCode } from '../../components/aws/hook-code.ts'
import type { AwsReference } from '../../platforms/reference.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { changed } from '../rollout/plans.ts'

const project = mkdtempSync(join(tmpdir(), 'sluice-code-'))
mkdirSync(join(project, 'gates'))
writeFileSync(join(project, 'gates', 'parity.http'), 'GET /one\n')
// What the plan of every test is judged by, too.
writeFileSync(join(project, 'parity.http'), 'GET /two\n')
afterAll(() => rmSync(project, { recursive: true, force: true }))

const reference: AwsReference = { kind: 'aws', name: 'shop' }
const codeOf = (gate: object) => {
  const { plan, planHash } = parsePlan(changed({ 'gates.mine': { at: 'start', ...gate } }))
  return hookCode(reference, { plan, planHash, clock: 1 }, project)
}

describe("the function's code", () => {
  it('has the files that gates read, at the paths that the plan says', async () => {
    const code = await codeOf({ replay: './gates/parity.http' })
    expect(Object.keys(code).toSorted()).toEqual([
      ...['charge.json', 'gates/parity.http', 'index.mjs', 'parity.http'],
    ])
    expect(code['gates/parity.http']).toBe('GET /one\n')
    expect(await codeOf({ replay: './gates/parity.http' })).toEqual(code)
  })

  it.each([
    ['is not there', { cases: 'gates/none.yaml' }, 'plan.gates.mine.cases: gates/none.yaml'],
    ['is not in the project', { replay: '../parity.http' }, 'is not in the project'],
    ['is anywhere on this host', { replay: '/etc/hostname' }, 'is not in the project'],
  ])('is not made where a file %s', async (_what, gate, said) => {
    await expect(codeOf(gate)).rejects.toThrow(said)
  })
})
