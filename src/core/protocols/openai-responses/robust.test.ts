import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { brokenLaws, decodeStream, recut } from '../../../../test/support/recordings.ts'
import { GatewayError } from '../../kernel/errors.ts'
import { FailedAnswer } from '../failed-answer.ts'
import type { JsonObject } from '../neutral/index.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'
import { createTap, rawResponse } from './tap.ts'

/** JSON that looks enough like the protocol to get far into the code. */
const keys = fc.constantFrom(
  'type',
  'text',
  'delta',
  'output_index',
  'content_index',
  'summary_index',
  'item',
  'item_id',
  'part',
  'response',
  'model',
  'usage',
  'id',
  'call_id',
  'name',
  'namespace',
  'arguments',
  'input',
  'content',
  'summary',
  'annotations',
  'output',
  'status',
  'error',
  'incomplete_details',
  'reason',
  'encrypted_content',
  'refusal',
  'annotation',
  'sequence_number',
)
const words = fc.constantFrom(
  'message',
  'reasoning',
  'function_call',
  'custom_tool_call',
  'web_search_call',
  'output_text',
  'refusal',
  'completed',
  'incomplete',
  'failed',
  'real',
  '{}',
  'x',
)
const odd = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    words,
    fc.constantFrom(null, true, 0, -1, 1.5, 2, 1e9, ''),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
  ),
})).value
const types = fc.constantFrom(
  'response.created',
  'response.output_item.added',
  'response.content_part.added',
  'response.output_text.delta',
  'response.output_text.done',
  'response.output_text.annotation.added',
  'response.refusal.delta',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
  'response.custom_tool_call_input.delta',
  'response.reasoning_summary_text.delta',
  'response.reasoning_text.delta',
  'response.output_item.done',
  'response.completed',
  'response.incomplete',
  'response.failed',
  'error',
  'new',
)
const item = fc.tuple(words, fc.dictionary(keys, odd, { maxKeys: 5 })).map(([type, fields]) => ({ ...fields, type }))
const event = fc
  .tuple(types, fc.dictionary(keys, odd, { maxKeys: 5 }), fc.constantFrom(0, 1, 2), item, fc.boolean())
  .map(([type, fields, output_index, made, named]) => {
    const data = JSON.stringify({ type, item: made, delta: 'x', content_index: 0, ...fields, output_index })
    return `${named ? `event: ${type}\n` : ''}data: ${data}\n\n`
  })
const stream = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: event },
      fc.string().map((text) => `${text}\n\n`),
    ),
    { maxLength: 14 },
  )
  .map((all) => all.join(''))

describe('whatever a provider sends', () => {
  test('the decoder keeps the laws of the neutral stream and never throws', () => {
    fc.assert(
      fc.property(stream, (text) => {
        expect(brokenLaws(decodeStream({ createDecoder: () => new Decoder() }, [Buffer.from(text)]))).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  test('the tap never throws, sees the same however the bytes are cut, and can always end the stream', () => {
    fc.assert(
      fc.property(stream, fc.nat(), (text, seed) => {
        const run = (pieces: readonly Buffer[]) => {
          const tap = createTap({ model: 'shadow' })
          const out = pieces.map((piece) => tap.push(piece))
          out.push(tap.finish())
          const ending = tap.fail!(new GatewayError('upstream_disconnected'), 'req_1')
          expect(ending).toMatch(/^\n\nevent: error\ndata: \{.*\}\n\n/)
          return { out: Buffer.concat(out).toString(), observed: tap.observed, ending }
        }
        expect(run(recut(Buffer.from(text), seed))).toEqual(run([Buffer.from(text)]))
      }),
      { numRuns: 1500 },
    )
  })

  test('bodies of answers are read, refused or left alone, never anything else', () => {
    fc.assert(
      fc.property(fc.dictionary(keys, odd), (given) => {
        expect(rawResponse(Buffer.from(JSON.stringify(given)), { model: 's' }).body).toBeInstanceOf(Buffer)
        let refused: unknown
        try {
          decodeResponse(given as JsonObject)
        } catch (error) {
          refused = error
        }
        expect(refused === undefined || refused instanceof GatewayError || refused instanceof FailedAnswer).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})
