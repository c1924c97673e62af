import { expect, test } from 'vitest'
import { addCounts, countReport, summaryLine } from '../../tools/test-summary.ts'

const report = {
  success: true,
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
}

test('the last line counts everything, and the skipped only where there are any', () => {
  const counts = countReport(report, 0)
  const two = { passed: 2, failed: 0, skipped: 0 }
  expect(summaryLine(addCounts([two, counts]))).toBe('5 passed, 0 failed, 2 skipped')
  expect(summaryLine(two)).toBe('2 passed, 0 failed')
})

test('a file that could not be loaded is a failure', () => {
  const testResults = [{ status: 'failed', assertionResults: [] }]
  expect(countReport({ ...report, success: false, testResults }, 1).failed).toBe(1)
})

test('a run that failed otherwise, or left no report, is a failure', () => {
  expect(countReport(report, 1).failed).toBe(1)
  expect(countReport(undefined, 139)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})
