import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { recordingsPresent } from '../support/recordings.ts'
import { exceptionOf, runMatrix } from './support/matrix.ts'
import { exceptions } from './support/exceptions.ts'
import { renderMatrix } from './support/render.ts'

describe.skipIf(!recordingsPresent)(
  'every recording through every pair of protocols (skipped where they are absent)',
  () => {
    const results = runMatrix()

    test('arrives, or is an exception with a reason', () => {
      const failed = results.filter((result) => result.problems.length > 0 && !exceptionOf(result))
      expect(
        failed.map(({ client, provider, guarantee, id, problems }) => ({ client, provider, guarantee, id, problems })),
      ).toEqual([])
    })

    test('exceptions are fewer than two in a hundred, and each of them is one', () => {
      const excepted = results.filter(({ problems }) => problems.length > 0)
      expect(excepted.length / results.length).toBeLessThan(0.02)
      const used = new Set(excepted.map(exceptionOf))
      expect(exceptions.filter((exception) => !used.has(exception))).toEqual([])
    })

    test('docs/conformance.md says so: npm run conformance', () => {
      const page = readFileSync(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8')
      expect(page).toBe(renderMatrix(results))
    })
  },
)
