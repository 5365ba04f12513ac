import { expect, test } from 'vitest'
import { showAttempts } from './attempts.ts'
import type { Output } from './output.ts'

const shown = async (attempts: Parameters<typeof showAttempts>[0]) => {
  const rows: unknown[][] = []
  const output: Output = {
    paint: { bold: (text) => text, dim: (text) => text } as Output['paint'],
    line: () => {},
    fields: () => {},
    table: () => Promise.resolve(),
    async sheet(columns, given) {
      for (const row of given) rows.push(columns.map(({ value }) => value(row)))
    },
  }
  await showAttempts(attempts, output)
  return rows
}

test('every attempt has a line with its key, its status and why it moved on', async () => {
  const failed = {
    provider: 'a',
    key: 'pk_1',
    model: 'm',
    status: 429,
    error: 'upstream_unavailable',
    reason: 'rate-limited',
    ms: 12,
  }
  expect(await shown([failed, { provider: 'b', key: null, model: 'n', status: 200, ms: 900 }])).toEqual([
    ['a/m', 'pk_1', 429, 'upstream_unavailable', 'rate-limited', '12 ms'],
    ['b/n', null, 200, null, null, expect.stringContaining('9')],
  ])
})

test('one attempt that answered is not worth a table, one that failed is', async () => {
  expect(await shown([{ provider: 'a', model: 'm', status: 200 }])).toEqual([])
  expect(await shown([{ provider: 'a', model: 'm', status: null, reason: 'connect' }])).toHaveLength(1)
})
