import { existsSync, readFileSync } from 'node:fs'

/**
 * `node scripts/ci-summary.ts <vitest's JSON report> [failed steps…]` prints the closing line of the CI run and exits 1 if anything failed. A step that failed
 * counts as one failure, unless it is the test step and its failures are counted already.
 */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

export const summarise = (report: Report | null, failedSteps: readonly string[]): { line: string; ok: boolean } => {
  // A file that does not load has no failing test of its own.
  const brokenFiles = report?.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  const failedTests = (report?.numFailedTests ?? 0) + (brokenFiles?.length ?? 0)
  const failed =
    failedTests +
    failedSteps.filter((step) => step !== 'test' || failedTests === 0).length +
    (report || failedSteps.includes('test') ? 0 : 1)
  const passed = report?.numPassedTests ?? 0
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
  return {
    line: `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
    ok: failed === 0 && passed > 0,
  }
}

if (import.meta.main) {
  const [path, ...failedSteps] = process.argv.slice(2)
  const report = path && existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Report) : null
  if (failedSteps.length > 0) console.log(`failed steps: ${failedSteps.join(', ')}`)
  const { line, ok } = summarise(report, failedSteps)
  console.log(line)
  process.exitCode = ok ? 0 : 1
}
