import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { chat, claude, google, named } from './lines.ts'

/** Which provider of the scene speaks a protocol. */
export const providers = {
  'openai-chat': 'chat',
  'anthropic-messages': 'anthropic',
  'openai-responses': 'responses',
  gemini: 'google',
} as const
export type Spoken = keyof typeof providers

const hello = [{ role: 'user', content: 'hi' }]
export const calls: Readonly<Partial<Record<ProtocolId, (name: string) => { path: string; body: JsonObject }>>> = {
  'openai-chat': (name) => ({ path: '/v1/chat/completions', body: { model: name, stream: true, messages: hello } }),
  'anthropic-messages': (name) => ({
    path: '/v1/messages',
    body: { model: name, stream: true, max_tokens: 100, messages: hello },
  }),
  'openai-responses': (name) => ({
    path: '/v1/responses',
    body: { model: name, stream: true, store: false, input: 'hi' },
  }),
  gemini: (name) => ({
    path: `/v1beta/models/${name}:streamGenerateContent?alt=sse`,
    body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
  }),
}
export const sse = { 'content-type': 'text/event-stream' }
export const events = (bytes: Buffer): string[] => bytes.toString().split(/(?<=\n\n)/)
const created = {
  type: 'response.created',
  response: { id: 'resp_1', object: 'response', created_at: 5, model: 'real', status: 'in_progress', output: [] },
}
export const exhausted = {
  type: 'response.failed',
  response: {
    ...created.response,
    status: 'failed',
    error: { code: 'rate_limit_exceeded', message: 'Rate limit reached' },
  },
}
const numbered = (...all: JsonObject[]): Buffer =>
  named(...all.map((event, sequence_number) => ({ ...event, sequence_number })))
export const refusals: Readonly<Record<Spoken, Buffer>> = {
  'openai-chat': Buffer.from(
    `data: ${JSON.stringify({ error: { message: 'Rate limit reached', code: 429, type: 'rate_limit_exceeded' } })}\n\n`,
  ),
  'anthropic-messages': named({ type: 'error', error: { type: 'rate_limit_error', message: 'Rate limit reached' } }),
  'openai-responses': numbered(created, exhausted),
  gemini: Buffer.from(
    'data: {"error":{"code":429,"message":"Rate limit reached","status":"RESOURCE_EXHAUSTED"}}\r\n\r\n',
  ),
}
export const spoken = Object.keys(providers) as Spoken[]

export const begun: Readonly<Record<Spoken, readonly string[]>> = {
  'openai-chat': events(
    chat.stream(chat.delta({ role: 'assistant', content: 'Half ' }), chat.delta({ content: 'a word' })),
  ).slice(0, 2),
  'anthropic-messages': events(
    claude.stream(
      { input_tokens: 3, output_tokens: 1 },
      { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } },
      claude.text('Half a word'),
    ),
  ).slice(0, 3),
  'openai-responses': events(
    numbered(
      created,
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] },
      },
      {
        type: 'response.content_part.added',
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        part: { type: 'output_text', text: '', annotations: [] },
      },
      { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'Half a word' },
    ),
  ),
  gemini: [`data: ${JSON.stringify(google.chunk([{ text: 'Half a word' }]))}\r\n\r\n`],
}
