import { existsSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { emptyStack, program, run, sluice } from './sluice.ts'

const stack = emptyStack()
afterAll(() => stack.remove())
const where = ['--config-file', stack.config]

describe('sluice', () => {
  it.each([
    [[]],
    [['no-such-verb']],
    [['plan', '--no-such-option']],
    [['plan', '-s', 'no-such-stack']],
    [['status', '--json', '--watch']],
    [['restore', 'huntred', '--into', 'Bad;Name', ...where]],
    [['restore', 'huntred', '--into', 'copy', '--overwrite-live', ...where]],
    [['teardown']],
    [['teardown', 'another', ...where, '-s', 'trial']],
    [['teardown', 'trial', '--delete-data', 'another', ...where]],
    [['backup', 'no-such-backup', ...where]],
    [['run', '--to', 'no-such-position', ...where]],
    [['flag', 'fast', 'maybe', ...where]],
    [['rollback', '--service', 'a', '--phase', 'b', ...where]],
    [['restore', 'huntred', '--disaster', ...where]],
    [['report', '--format', 'pdf', ...where]],
  ])('ends with 2 when it is used wrongly: %j', async (args) => {
    const { code, err } = await sluice(...args)
    expect(err).not.toBe('')
    expect(code).toBe(2)
  })

  it('shows the help of each verb with an example', async () => {
    const { out } = await sluice('help')
    const verbs = [...out.matchAll(/^ {2}(\w+) \[options\]/gm)].map(([, name]) => name ?? '')
    expect(verbs).toHaveLength(13)
    for (const verb of verbs) {
      const { code, out: help } = await sluice(verb, '--help')
      expect(help).toContain('Example:\n  $ sluice')
      expect(code).toBe(0)
    }
  })

  it('shows the positions of the plan as the committed table has them', async () => {
    const { code, out } = await sluice('plan', ...where)
    expect(out).toBe(readFileSync(new URL('huntred.plan.txt', import.meta.url), 'utf8'))
    expect(code).toBe(0)
  })

  it('says that nothing is deployed, and what to type', async () => {
    const { code, out } = await sluice('status', ...where)
    expect(out).toContain('trial: not deployed')
    expect(out).toContain('type: pulumi up')
    expect(code).toBe(0)
  })

  it('ends well where its reader has read enough', async () => {
    const line = `"$0" status ${where.join(' ')} | true; echo "ended with \${PIPESTATUS[0]}"`
    const { out, err } = await run('bash', ['-c', line, program])
    expect(err).toBe('')
    expect(out).toBe('ended with 0\n')
  })

  it('gives the status to programs as JSON', async () => {
    const { out } = await sluice('status', '--json', ...where)
    expect(JSON.parse(out)).toMatchObject({ stack: 'trial', position: null, asked: 'start' })
  })

  it('refuses a retry where nothing is latched, and changes nothing', async () => {
    const before = readFileSync(stack.config, 'utf8')
    const { code } = await sluice('retry', ...where)
    expect(code).toBe(1)
    expect(readFileSync(stack.config, 'utf8')).toBe(before)
  })

  it('refuses a rollback of nothing, and makes no home', async () => {
    const { code, err } = await sluice('rollback', ...where)
    expect(code).toBe(1)
    expect(err).toContain('sluice doctor')
    expect(existsSync(stack.home)).toBe(false)
  })
})
