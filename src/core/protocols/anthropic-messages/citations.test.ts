import { expect, test } from 'vitest'
import { unfold } from '../fold.ts'
import type { JsonObject, NeutralResponse } from '../neutral/index.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }
const page = { type: 'url_citation', url: 'https://a.example', title: 'A' }
const cite = (start_index: number, end_index: number): JsonObject => ({ ...page, start_index, end_index })
const answer = (...citations: JsonObject[]): NeutralResponse => ({
  id: 'a',
  model: 'real',
  choices: [
    { blocks: [{ kind: 'text', text: '🙂 Zürich is a city.', citations }], finish: { reason: 'stop', raw: 'STOP' } },
  ],
})

test('a page that another protocol cites has the words it is cited for, whole and as a stream', () => {
  const given = answer(cite(2, 8), cite(0, 1), page)
  const told = encodeResponse(given, options)['content'] as { citations: { cited_text: string }[] }[]
  expect(told[0]!.citations.map((citation) => citation.cited_text)).toEqual(['Zürich', '🙂', ''])
  const encoder = new Encoder(options)
  const bytes = unfold(given)
    .map((event) => encoder.push(event))
    .join('')
  expect([...bytes.matchAll(/"cited_text":"([^"]*)"/g)].map(([, words]) => words)).toEqual(['Zürich', '🙂', ''])
})
