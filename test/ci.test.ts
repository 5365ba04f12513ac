import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { lockProblems } from '../scripts/check-lockfile.ts'
import { summarise } from '../scripts/ci-summary.ts'
import { repositoryRoot } from './support/import-graph.ts'

describe('a lockfile that would break elsewhere is refused', () => {
  const fine = {
    '': { optionalDependencies: { tool: '1.0.0' } },
    'node_modules/tool': { integrity: 'sha512-x', optionalDependencies: { 'tool-darwin': '1.0.0' } },
    'node_modules/tool-darwin': { integrity: 'sha512-x' },
  }

  test('a complete one passes, packages nested or hoisted', () => {
    expect(lockProblems(fine)).toEqual([])
    const { 'node_modules/tool-darwin': moved, ...others } = fine
    expect(lockProblems({ ...others, 'node_modules/tool/node_modules/tool-darwin': moved })).toEqual([])
  })

  test('a platform package that npm dropped without a word is named', () => {
    const { 'node_modules/tool-darwin': _dropped, ...others } = fine
    expect(lockProblems(others)).toEqual(['node_modules/tool: optional dependency tool-darwin is not in the lock'])
  })

  test('a registry and a missing integrity are named', () => {
    const resolved = { resolved: 'https://registry.example/tool.tgz' }
    expect(lockProblems({ ...fine, 'node_modules/other': resolved })).toEqual([
      'node_modules/other: no integrity',
      'node_modules/other: resolved to registry.example; remove the field',
    ])
  })
})

describe('the closing line tells the truth', () => {
  const report = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }

  test('all passed', () => {
    expect(summarise(report, [])).toEqual({ line: '5 passed, 0 failed', ok: true })
    expect(summarise({ ...report, numPendingTests: 2 }, [])).toEqual({
      line: '5 passed, 0 failed, 2 skipped',
      ok: true,
    })
  })

  test('a failed step is a failure though every test passed', () => {
    expect(summarise(report, ['check'])).toEqual({ line: '5 passed, 1 failed', ok: false })
  })

  test('failed tests are not counted again as a failed step', () => {
    expect(summarise({ ...report, numFailedTests: 2 }, ['test'])).toEqual({ line: '5 passed, 2 failed', ok: false })
  })

  test('a file that does not load is a failure', () => {
    const testResults = [{ name: 'x.test.ts', status: 'failed', assertionResults: [] }]
    expect(summarise({ ...report, testResults }, ['test'])).toEqual({ line: '5 passed, 1 failed', ok: false })
  })

  test('a runner that died, or ran nothing, has not passed', () => {
    expect(summarise(report, ['test'])).toEqual({ line: '5 passed, 1 failed', ok: false })
    expect(summarise(null, ['test'])).toEqual({ line: '0 passed, 1 failed', ok: false })
    expect(summarise(null, [])).toEqual({ line: '0 passed, 1 failed', ok: false })
    expect(summarise({ ...report, numPassedTests: 0 }, [])).toEqual({ line: '0 passed, 0 failed', ok: false })
  })

  test('as a program it exits 1 without a report', () => {
    const run = (): string =>
      execFileSync(process.execPath, ['scripts/ci-summary.ts', '/nowhere.json'], {
        cwd: repositoryRoot,
        encoding: 'utf8',
      })
    expect(run).toThrow(expect.objectContaining({ status: 1, stdout: '0 passed, 1 failed\n' }))
  })
})
