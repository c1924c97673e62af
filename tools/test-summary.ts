// Counts what ran, for the one line that ends `npm test`, and names what failed.
import path from 'node:path'

/** How many passed, failed and were skipped. */
export type Counts = { passed: number; failed: number; skipped: number }

/** The part of vitest's JSON report that is read here. */
type Report = {
  success: boolean
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: {
    /** The file. */
    name: string
    status: string
    /** Why it could not be loaded. */
    message?: string
    assertionResults: { status: string; fullName: string; failureMessages?: string[] | null }[]
  }[]
}

/**
 * Counts a report of vitest. A file that could not even be loaded counts as one failure, and so
 * does a run that failed without a failed test or without a report.
 */
export function countReport(report: Report | undefined, exitCode: number): Counts {
  if (!report) return { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 }
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length
  const failed = report.numFailedTests + broken
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && (exitCode !== 0 || !report.success) ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/**
 * What failed, a line each in the order in which it ran, with the first line of why: the first is what
 * to look at, and the full messages of the others may have pushed it out of sight.
 * @param root the folder that file names are shown from
 */
export function failureLines(report: Report | undefined, root: string): string[] {
  const failed = (report?.testResults ?? []).filter(({ status }) => status === 'failed')
  return failed.flatMap(({ name, message, assertionResults }) => {
    const file = path.relative(root, name)
    const tests = assertionResults.filter(({ status }) => status === 'failed')
    if (tests.length === 0) return [`FAILED ${file}: ${firstLine(message)}`]
    return tests.map(
      ({ fullName, failureMessages }) =>
        `FAILED ${file} > ${fullName}: ${firstLine(failureMessages?.[0])}`,
    )
  })
}

const firstLine = (message = '') => message.trim().split('\n')[0] ?? ''

/** The counts of all stages together. */
export function addCounts(all: Counts[]): Counts {
  const sum = (pick: (counts: Counts) => number) =>
    all.reduce((total, counts) => total + pick(counts), 0)
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
  }
}

/** The last line: `N passed, N failed`, and the skipped only where there are any. */
export function summaryLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`
}
