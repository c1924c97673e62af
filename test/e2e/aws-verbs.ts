import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { AwsStack } from './aws-stack.ts'

/** The command on a stack on AWS that stands at 5 and is guarded: every verb works, or says what to do. */
export function verbs(stackOf: () => AwsStack): void {
  const sluice = (...args: string[]) => stackOf().run('sluice', ...args, '-s', 'e2e')

  it.each([
    [['plan'], 0, 'huntred@25'],
    [['status'], 0, 'huntred@5'],
    [['status', '--json'], 0, '"latched": false'],
    [['doctor'], 0, 'none: live is what was verified'],
    [['report', '--format', 'text'], 0, 'huntred@5'],
    [['restore', '--list'], 0, 'rds:'],
    [['restore', 'huntred'], 2, 'aws rds restore-db-instance-from-db-snapshot'],
    [['rollback', '--restore-db', 'huntred'], 2, '--restore-db: a database on aws'],
    [['rollback', '--database', 'none'], 1, 'operations'],
    [['flag', 'none', 'on'], 1, 'none'],
    [['resolve', 'errors'], 1, 'no investigation of errors is open'],
    [['retry'], 1, 'nothing is latched'],
    [['teardown', 'other'], 2, 'the stack is e2e'],
    [['teardown', 'e2e', '--delete-data', 'e2e'], 2, 'databases and backups are not of this stack'],
  ] as [string[], number, string][])('answers %j with %i', async (args, code, said) => {
    const { output, ...result } = await sluice(...args)
    expect(output).toContain(said)
    expect(result.code, output).toBe(code)
    expect((await stackOf().latch()).latched).toBe(false)
  })

  it('writes a report into a file', async () => {
    const { output, code } = await sluice('report')
    expect(code, output).toBe(0)
    expect(existsSync(output.trim().split('\n').at(-1) ?? '')).toBe(true)
  })

  it('is not destroyed while it has traffic, and says what to type', async () => {
    const stack = stackOf()
    const refused = await stack.pulumi('destroy', '--yes', '--skip-preview')
    expect(refused.code).not.toBe(0)
    expect(refused.output).toContain('stands at huntred@5: it carries traffic and guards it')
    expect(refused.output).toContain('sluice teardown e2e')
    expect(await stack.green()).toBe(5)
    await stack.untilGuarded()
  })
}

/** At the end of a stack on AWS: nothing of it is left that routes or watches. */
export function tearsDown(stackOf: () => AwsStack): void {
  it('is torn down by its name, and nothing of it is left but the snapshots', async () => {
    const stack = stackOf()
    const gone = await stack.run('sluice', 'teardown', 'e2e')
    expect(gone.output).toContain('nothing of huntred routes, watches or is remembered any more')
    expect(gone.code, gone.output).toBe(0)
    const { deployed, latch } = await stack.platform.observe()
    expect({ deployed, latch }).toEqual({ deployed: false, latch: 'missing' })
  })
}
