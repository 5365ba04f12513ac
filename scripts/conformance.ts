import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exceptionOf, runMatrix } from '../test/conformance/support/matrix.ts'
import { renderMatrix } from '../test/conformance/support/render.ts'
import { recordingsPresent } from '../test/support/recordings.ts'

/** Runs all recordings through every pair of protocols and writes docs/conformance.md: `npm run conformance`. Exit status 1 when one fails that is no exception. */
const page = join(import.meta.dirname, '../docs/conformance.md')

if (recordingsPresent) {
  const results = runMatrix()
  const failed = results.filter((result) => result.problems.length > 0 && !exceptionOf(result))
  for (const { client, provider, id, guarantee, problems } of failed)
    console.error(`${client} client, ${provider} provider, ${guarantee}: ${id}\n    ${problems.join('\n    ')}`)
  writeFileSync(page, renderMatrix(results))
  console.log(`${results.length} crossings, ${failed.length} failed`)
  process.exitCode = failed.length > 0 ? 1 : 0
} else {
  console.log(
    'There are no recordings beside the repository (../shared/fixtures): docs/conformance.md is left as it is.',
  )
}
