import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answers, streamOf } from '../../../../test/support/arbitrary-answers.ts'
import { descriptionPresent, mismatch } from '../../../../test/support/openapi.ts'
import type { JsonObject } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }
const pieces = fc.integer({ min: 1, max: 5 })

const chunksOf = (bytes: string): JsonObject[] =>
  new SseSplitter()
    .push(Buffer.from(bytes))
    .map((frame) => parseFrame(frame).data)
    .filter((data) => data.startsWith('{'))
    .map((data) => JSON.parse(data) as JsonObject)

describe.skipIf(!descriptionPresent)("OpenAI's description of its API (skipped where it is absent)", () => {
  test('has every whole answer', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(answers, (answer) => {
        expect(mismatch('CreateChatCompletionResponse', encodeResponse(answer, options))).toBe('')
      }),
    )
  })

  test('has every chunk of a stream, with and without usage', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(answers, pieces, fc.boolean(), (answer, size, includeUsage) => {
        const encoder = new Encoder({ ...options, includeUsage })
        const bytes = streamOf(answer, size).map((event) => encoder.push(event))
        for (const chunk of chunksOf(bytes.join('')))
          expect(mismatch('CreateChatCompletionStreamResponse', chunk)).toBe('')
      }),
    )
  })
})
