import { describe, expect, it } from 'vitest'
import { endOf } from '../../../platforms/aws/tasks.ts'

const runner = { container: 'runner', log: '/sluice/shop' }
const arn = 'arn:aws:ecs:eu-central-1:123456789012:task/production/abc'
const stopped = (container: object, more: object = {}) => ({
  lastStatus: 'STOPPED',
  containers: [
    { name: 'sidecar', exitCode: 1 },
    { name: 'runner', ...container },
  ],
  ...more,
})

describe('the end of a task', () => {
  it('is not there while the task has not stopped', () => {
    for (const lastStatus of ['PROVISIONING', 'RUNNING', 'DEPROVISIONING']) {
      expect(endOf({ lastStatus }, runner, arn)).toBe(undefined)
    }
  })

  it('is the exit code of its own container, with where it said what', () => {
    expect(endOf(stopped({ exitCode: 0 }), runner, arn)).toEqual({
      ok: true,
      reason:
        'exit code 0; its words: aws logs tail /sluice/shop --log-stream-name-prefix runner/runner/abc',
    })
    expect(endOf(stopped({ exitCode: 3 }), runner, arn)).toMatchObject({ ok: false })
  })

  it('is no success where there is no exit code, or where the task is forgotten', () => {
    const pull = stopped({ reason: 'CannotPullContainerError' })
    expect(endOf(pull, runner, arn)).toMatchObject({ ok: false })
    expect(endOf(pull, runner, arn)?.reason).toContain('CannotPullContainerError')
    const placed = stopped({}, { stoppedReason: 'Timeout waiting for network interface' })
    expect(endOf(placed, runner, arn)?.reason).toContain('Timeout waiting for network interface')
    expect(endOf(undefined, runner, arn)).toMatchObject({ ok: false })
  })
})
