import { expect, test } from 'vitest'
import { addCounts, countReport, failureLines, summaryLine } from '../../tools/test-summary.ts'

const report = {
  success: true,
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  testResults: [
    {
      name: '/here/test/one.test.ts',
      status: 'passed',
      assertionResults: [{ status: 'passed', fullName: 'it works' }],
    },
  ],
}

test('the last line counts everything, and the skipped only where there are any', () => {
  const counts = countReport(report, 0)
  const two = { passed: 2, failed: 0, skipped: 0 }
  expect(summaryLine(addCounts([two, counts]))).toBe('5 passed, 0 failed, 2 skipped')
  expect(summaryLine(two)).toBe('2 passed, 0 failed')
})

test('a file that could not be loaded is a failure', () => {
  const testResults = [{ name: '/here/two.test.ts', status: 'failed', assertionResults: [] }]
  expect(countReport({ ...report, success: false, testResults }, 1).failed).toBe(1)
})

test('a run that failed otherwise, or left no report, is a failure', () => {
  expect(countReport(report, 1).failed).toBe(1)
  expect(countReport(undefined, 139)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('what failed is named at the end, the first line of why beside it', () => {
  const testResults = [
    ...report.testResults,
    {
      name: '/here/test/two.test.ts',
      status: 'failed',
      assertionResults: [
        { status: 'passed', fullName: 'two stands' },
        { status: 'failed', fullName: 'two rises', failureMessages: ['Error: no guard\n  at x'] },
      ],
    },
    {
      name: '/here/test/three.test.ts',
      status: 'failed',
      message: 'no such module',
      assertionResults: [],
    },
  ]
  expect(failureLines({ ...report, testResults }, '/here')).toEqual([
    'FAILED test/two.test.ts > two rises: Error: no guard',
    'FAILED test/three.test.ts: no such module',
  ])
  expect(failureLines(undefined, '/here')).toEqual([])
})
