import { expect, test } from 'vitest'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocols } from '../../../src/core/protocols/index.ts'
import { answered, google, named, streamed, unnamed } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: how answers end. */
const clients: readonly ProtocolId[] = protocols.map(({ id }) => id)

/** Where a client looks for it in a whole answer. */
const toldEnd = (body: JsonObject): unknown => {
  const [choice] = (body['choices'] ?? body['candidates'] ?? []) as JsonObject[]
  return (
    choice?.['finish_reason'] ??
    choice?.['finishReason'] ??
    body['stop_reason'] ??
    (body['incomplete_details'] as JsonObject | null)?.['reason']
  )
}
const length: Readonly<Partial<Record<ProtocolId, string>>> = {
  'openai-chat': 'length',
  'anthropic-messages': 'max_tokens',
  'openai-responses': 'max_output_tokens',
  gemini: 'MAX_TOKENS',
}

test.each(clients)('case 21: an answer that Gemini or Bedrock cut short is cut short for a client of %s', (client) => {
  const gemini = google.chunk([{ text: 'Once upon' }], 'MAX_TOKENS')
  expect(toldEnd(answered({ client, provider: 'gemini' }, gemini).body)).toBe(length[client])
  expect(streamed({ client, provider: 'gemini' }, unnamed(gemini)).events).toContainEqual(
    expect.objectContaining({ type: 'finish', finish: expect.objectContaining({ reason: 'length' }) as object }),
  )
  const bedrock = {
    output: { message: { role: 'assistant', content: [{ text: 'Once upon' }] } },
    stopReason: 'max_tokens',
    usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
  }
  expect(toldEnd(answered({ client, provider: 'bedrock-converse' }, bedrock).body)).toBe(length[client])
})

const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'incomplete' }
const part = { type: 'output_text', text: 'Once upon', annotations: [], logprobs: [] }
const incomplete = (reason: string): JsonObject => ({
  id: 'resp_1',
  object: 'response',
  created_at: 5,
  model: 'real',
  status: 'incomplete',
  error: null,
  incomplete_details: { reason },
  output: [{ ...item, content: [part] }],
  usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
})
const told = (response: JsonObject): Buffer =>
  named(
    ...[
      { type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } },
      { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
      {
        type: 'response.content_part.added',
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        part: { ...part, text: '' },
      },
      {
        type: 'response.output_text.delta',
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        delta: 'Once upon',
        logprobs: [],
      },
      {
        type: 'response.output_text.done',
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        text: 'Once upon',
        logprobs: [],
      },
      { type: 'response.content_part.done', item_id: 'msg_1', output_index: 0, content_index: 0, part },
      { type: 'response.output_item.done', output_index: 0, item: { ...item, content: [part] } },
      { type: 'response.incomplete', response },
    ].map((event, sequence_number): JsonObject => ({ ...event, sequence_number })),
  )

test.each(clients)(
  'case 22: an incomplete response is neither a failure nor a whole answer for a client of %s',
  (client) => {
    const line = { client, provider: 'openai-responses' } as const
    for (const [reason, ends] of [
      ['max_output_tokens', ['length']],
      ['content_filter', ['content-filter', 'refusal']],
    ] as const) {
      const { events, failed } = streamed(line, told(incomplete(reason)))
      expect(failed).toBe(false)
      expect(ends).toContain(events.findLast((event) => event.type === 'finish')?.finish.reason)
    }
    expect(toldEnd(answered(line, incomplete('max_output_tokens')).body)).toBe(length[client])
  },
)
