import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, NeutralEvent } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { anthropicMessages as protocol } from './index.ts'

/** JSON that looks enough like the protocol to get far into the code. */
const keys = fc.constantFrom(
  'type',
  'text',
  'index',
  'delta',
  'content',
  'content_block',
  'message',
  'usage',
  'id',
  'name',
  'input',
  'model',
  'source',
  'role',
  'error',
)
const words = fc.constantFrom(
  'text',
  'image',
  'document',
  'tool_use',
  'tool_result',
  'thinking',
  'redacted_thinking',
  'user',
  'assistant',
  'system',
  'text_delta',
  'input_json_delta',
  'signature_delta',
  'citations_delta',
  'compaction',
  'base64',
  'url',
  'content',
)
const odd = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    words,
    fc.constantFrom(null, true, 0, -1, 1.5, 2, '', 'x'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 5 }),
  ),
})).value
const eventType = fc.constantFrom(
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'error',
  'ping',
  'new',
)
const event = fc
  .tuple(eventType, fc.dictionary(keys, odd, { maxKeys: 5 }), fc.constantFrom(0, 1, 2))
  .map(([type, fields, index]) => `event: ${type}\ndata: ${JSON.stringify({ ...fields, type, index })}\n\n`)
const stream = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: event },
      fc.string().map((text) => `${text}\n\n`),
    ),
    { maxLength: 12 },
  )
  .map((all) => all.join(''))

/** What breaks the laws of neutral/event.ts. */
const broken = (events: readonly NeutralEvent[]): unknown[] => {
  const count = (...types: NeutralEvent['type'][]) => events.filter(({ type }) => types.includes(type)).length
  const wrong: unknown[] = []
  if (events[0]?.type !== 'start' || events.at(-1)?.type !== 'end')
    wrong.push('the first is not start or the last not end')
  if (count('start') !== 1 || count('end') !== 1 || count('finish', 'error') !== 1)
    wrong.push('start, end or outcome told more than once')
  let open: number | undefined
  let next = 0
  for (const told of events) {
    if (told.type === 'block-start') {
      if (open !== undefined || told.index !== next++) wrong.push(told)
      open = told.index
    } else if (told.type === 'block-delta' || told.type === 'block-stop') {
      if (told.index !== open) wrong.push(told)
      if (told.type === 'block-stop') open = undefined
    } else if ((told.type === 'finish' || told.type === 'error') && open !== undefined) wrong.push(told)
  }
  return wrong
}

describe('whatever a provider or client sends', () => {
  test('the decoder keeps the laws of the neutral stream and never throws', () => {
    fc.assert(
      fc.property(stream, (text) => {
        const decoder = protocol.createDecoder()
        const frames = new SseSplitter().push(Buffer.from(text)).map(parseFrame)
        expect(broken([...frames.flatMap((frame) => decoder.push(frame)), ...decoder.finish()])).toEqual([])
      }),
      { numRuns: 1500 },
    )
  })

  test('the tap never throws, passes what it does not understand, and sees the same however the bytes are cut', () => {
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 50 }), (text, size) => {
        const bytes = Buffer.from(text)
        const run = (chunk: number) => {
          const tap = protocol.raw.createTap({ model: 'shadow', includeUsage: true })
          const out: Buffer[] = []
          for (let at = 0; at < bytes.length; at += chunk) out.push(tap.push(bytes.subarray(at, at + chunk)))
          return { out: Buffer.concat([...out, tap.finish()]).toString(), observed: tap.observed }
        }
        expect(run(size)).toEqual(run(bytes.length + 1))
      }),
      { numRuns: 1000 },
    )
  })

  test('requests are decoded or refused with a 400, never anything else', () => {
    const body = fc.record(
      {
        model: fc.constantFrom('m', '', 5),
        max_tokens: fc.constantFrom(5, -1, 'x'),
        messages: fc.array(odd),
        system: odd,
        tools: fc.array(odd),
        tool_choice: odd,
        thinking: odd,
        output_config: odd,
        metadata: odd,
        stop_sequences: odd,
      },
      { requiredKeys: ['model', 'max_tokens', 'messages'] },
    )
    fc.assert(
      fc.property(body, (given) => {
        let status = 200
        try {
          const request = protocol.decodeRequest(given as JsonObject)
          protocol.encodeRequest(request, { model: 'r', defaultMaxTokens: 5 })
        } catch (error) {
          status = error instanceof GatewayError ? error.status : 500
        }
        expect([200, 400]).toContain(status)
      }),
      { numRuns: 1500 },
    )
  })

  test('bodies of answers and errors never break the reader', () => {
    fc.assert(
      fc.property(fc.dictionary(keys, odd), (given) => {
        const bytes = Buffer.from(JSON.stringify(given))
        expect(protocol.raw.response(bytes, { model: 's' }).body).toBeInstanceOf(Buffer)
        expect(protocol.decodeError(400, () => undefined, bytes).status).toBe(400)
      }),
      { numRuns: 500 },
    )
  })
})
