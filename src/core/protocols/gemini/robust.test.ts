import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { brokenLaws } from '../../../../test/support/recordings.ts'
import { GatewayError } from '../../kernel/errors.ts'
import { FailedAnswer } from '../failed-answer.ts'
import { unfold } from '../fold.ts'
import type { JsonObject, NeutralEvent } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'
import { jsonArrayFraming } from './json-array.ts'
import { createTap, rawResponse } from './tap.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }
const words = fc.constantFrom(
  '',
  'x',
  'STOP',
  'MAX_TOKENS',
  'SAFETY',
  'OTHER',
  'MALFORMED_FUNCTION_CALL',
  '$.a',
  '$.a[1].b',
  '__proto__',
)
const odd = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    words,
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e300, 7),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('text', 'name', 'args', 'index', 'parts', 'uri', '__proto__'), tie('value'), {
      maxKeys: 4,
    }),
  ),
})).value
/** Mostly what belongs there, at times something else. */
const or = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: right as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: odd })
const some = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { requiredKeys: [] })
const piece = some({ jsonPath: or(words), stringValue: or(words), numberValue: odd, willContinue: or(fc.boolean()) })
const call = some({
  id: or(words),
  name: or(words),
  args: odd,
  partialArgs: or(fc.array(piece, { maxLength: 3 })),
  willContinue: or(fc.boolean()),
})
const part = fc.oneof(
  some({ text: or(words), thought: or(fc.boolean()), thoughtSignature: or(words) }),
  some({ functionCall: or(call), thoughtSignature: or(words) }),
  some({ inlineData: odd, executableCode: odd, thoughtSignature: or(words) }),
)
const candidate = some({
  index: or(fc.constantFrom(0, 1, 2)),
  content: or(some({ role: odd, parts: or(fc.array(or(part), { maxLength: 4 })) })),
  finishReason: or(words),
  finishMessage: odd,
  groundingMetadata: or(
    some({
      groundingChunks: or(fc.array(odd)),
      groundingSupports: or(fc.array(some({ segment: odd, groundingChunkIndices: odd }))),
    }),
  ),
  citationMetadata: odd,
})
const chunk = some({
  candidates: or(fc.array(or(candidate), { maxLength: 3 })),
  usageMetadata: or(
    some({ promptTokenCount: odd, candidatesTokenCount: odd, totalTokenCount: odd, promptTokensDetails: odd }),
  ),
  modelVersion: or(fc.constant('real')),
  responseId: or(words),
  promptFeedback: or(some({ blockReason: or(words), blockReasonMessage: odd })),
  createTime: or(words),
})
const frame = fc.oneof(
  { weight: 12, arbitrary: chunk.map((json) => `data: ${JSON.stringify(json)}\r\n\r\n`) },
  { weight: 1, arbitrary: odd.map((error) => `data: ${JSON.stringify({ error })}\n\n`) },
  { weight: 1, arbitrary: fc.string().map((text) => `${text}\n\n`) },
)
const stream = fc.array(frame, { maxLength: 8 }).map((all) => all.join(''))
const decode = (text: string): NeutralEvent[] => {
  const decoder = new Decoder()
  const frames = new SseSplitter().push(Buffer.from(text)).map(parseFrame)
  return [...frames.flatMap((given) => decoder.push(given)), ...decoder.finish()]
}

describe('whatever a provider sends', () => {
  test('the decoder keeps the laws of the neutral stream, and the encoder tells every stream to its end or fails', () => {
    fc.assert(
      fc.property(stream, (text) => {
        const events = decode(text)
        expect(brokenLaws(events)).toEqual([])
        const encoder = new Encoder(options)
        const out = events.map((event) => encoder.push(event)).join('')
        const isTold = out.includes('"finishReason"')
        expect(isTold).toBe(encoder.failure === undefined)
      }),
      { numRuns: 1500 },
    )
  })

  test('a whole answer is read, or refused as no answer', () => {
    fc.assert(
      fc.property(chunk, (given) => {
        const body = JSON.parse(JSON.stringify(given)) as JsonObject
        let refused: unknown
        try {
          encodeResponse(decodeResponse(body), options)
        } catch (error) {
          refused = error
        }
        if (!(refused instanceof FailedAnswer || refused === undefined)) expect(refused).toBeInstanceOf(GatewayError)
        expect(rawResponse(Buffer.from(JSON.stringify(given)), { model: 'shadow' }).body).toBeInstanceOf(Buffer)
      }),
      { numRuns: 1000 },
    )
  })

  test('the tap never throws, names no model, and sees the same however the bytes are cut', () => {
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 50 }), (text, size) => {
        const bytes = Buffer.from(text)
        const run = (step: number) => {
          const tap = createTap({ model: 'shadow', includeUsage: true })
          const out: Buffer[] = []
          for (let at = 0; at < bytes.length; at += step) out.push(tap.push(bytes.subarray(at, at + step)))
          return { out: Buffer.concat([...out, tap.finish()]).toString(), observed: tap.observed }
        }
        const whole = run(bytes.length + 1)
        expect(whole.out).not.toContain('"modelVersion":"real"')
        expect(run(size)).toEqual(whole)
      }),
      { numRuns: 1000 },
    )
  })

  test('the tap and the decoder agree about the end of an answer and what it costs', () => {
    fc.assert(
      fc.property(
        fc.array(candidate, { maxLength: 4 }),
        fc.array(fc.nat({ max: 99 }), { maxLength: 4 }),
        (candidates, counts) => {
          const text = candidates
            .map((told, index) => ({
              candidates: [told],
              usageMetadata: { promptTokenCount: 5, candidatesTokenCount: counts[index] ?? null },
            }))
            .map((json) => `data: ${JSON.stringify(json)}\r\n\r\n`)
            .join('')
          const tap = createTap({ model: 'shadow', includeUsage: true })
          tap.push(Buffer.from(text))
          tap.finish()
          const events = decode(text)
          // Behind an error nothing is read.
          if (events.some((event) => event.type === 'error')) return
          const usage = events.findLast((event) => event.type === 'usage')?.usage
          expect(tap.observed).toMatchObject({ complete: true })
          expect(tap.observed.usage).toEqual(usage)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('the array of a stream is JSON when it ends, by itself or by our error', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 5 }), (chunks) => {
        const road = jsonArrayFraming(createTap({ model: 'shadow', includeUsage: true }))
        const bytes = Buffer.from(chunks.map((json) => `data: ${JSON.stringify(json)}\r\n\r\n`).join(''))
        let out = road.push(bytes).toString() + road.finish().toString()
        if (!road.observed.complete || road.observed.failure)
          out += road.fail!(new GatewayError('upstream_error'), 'req_1')
        expect(JSON.parse(out)).toBeInstanceOf(Array)
      }),
      { numRuns: 500 },
    )
  })

  test('deep arguments are written without a stack overflow', () => {
    const deep = `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`
    const text = `data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${deep}}}]},"finishReason":"STOP"}]}\n\n`
    expect(decode(text).some((event) => event.type === 'finish')).toBe(true)
  })

  test('ten thousand sources of a long text are placed in no time', () => {
    const words = 'ein Wort '.repeat(10_000)
    const groundingSupports = Array.from({ length: 10_000 }, (_, index) => ({
      segment: { startIndex: index, endIndex: index + 5 },
      groundingChunkIndices: [0],
    }))
    const answer = {
      candidates: [
        {
          content: { parts: [{ text: words }] },
          finishReason: 'STOP',
          groundingMetadata: { groundingChunks: [{ web: { uri: 'https://a.example' } }], groundingSupports },
        },
      ],
    }
    const events = unfold(decodeResponse(answer as JsonObject))
    expect(events.filter((event) => event.type === 'block-delta')).toHaveLength(501)
  })
})
