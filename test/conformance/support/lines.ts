import type { JsonObject, NeutralEvent, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocolById, providerProtocolById } from '../../../src/core/protocols/index.ts'
import type { Observed } from '../../../src/core/protocols/protocol.ts'
import { providerKindById } from '../../../src/core/provider-kinds/index.ts'
import type { QuirkId } from '../../../src/core/protocols/openai-chat/quirks.ts'
import { parseFrame, SseSplitter } from '../../../src/core/protocols/sse.ts'
import { decodeStream, recut } from '../../support/recordings.ts'
import type { Asked } from './asked.ts'
import { carry, crossingRoad, realRoad } from './roads.ts'

/** The shortest question in the words of each client. */
const hello: Readonly<Partial<Record<ProtocolId, JsonObject>>> = {
  'openai-chat': { model: 'shadow', messages: [{ role: 'user', content: 'hi' }] },
  'anthropic-messages': { model: 'shadow', max_tokens: 4096, messages: [{ role: 'user', content: 'hi' }] },
  'openai-responses': { model: 'shadow', input: 'hi', store: false, include: ['reasoning.encrypted_content'] },
  gemini: {
    contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
    generationConfig: { thinkingConfig: { includeThoughts: true } },
  },
}

const streaming: Readonly<Partial<Record<ProtocolId, JsonObject>>> = {
  'openai-chat': { stream: true, stream_options: { include_usage: true } },
  'anthropic-messages': { stream: true },
  'openai-responses': { stream: true },
}

export interface Line {
  readonly client: ProtocolId
  readonly provider: ProtocolId
  /** Beside or instead of the fields of the shortest question. */
  readonly ask?: JsonObject
  /** Of the provider; any that speaks its protocol when absent. */
  readonly kind?: string
  readonly model?: string
  /** Instead of those of the kind. */
  readonly quirks?: readonly QuirkId[]
  /** The road the exchange takes, straight between equals, instead of the neutral form. */
  readonly real?: true
}

const roadOf = ({ client, provider, ask, kind, model, real, quirks }: Line, stream: boolean) => {
  const speaker = protocolById(client)
  const asked: Asked = {
    body: { ...hello[client], ...(stream && streaming[client]), ...ask },
    place: { model: 'shadow', stream },
  }
  const to = {
    provider: providerProtocolById(provider),
    ...(model !== undefined && { model }),
    ...((kind !== undefined || quirks) && {
      kind: { ...providerKindById(kind ?? 'openai-compatible')!, ...(quirks && { quirks }) },
    }),
  }
  return (real ? realRoad : crossingRoad)(speaker, asked, to)
}

/** What the provider gets. Throws GatewayError for what is refused. */
export const sent = (line: Line, stream = false) => {
  const road = roadOf(line, stream)
  return { body: JSON.parse(road.request(undefined).toString()) as JsonObject, warnings: road.warnings }
}

/** A whole answer of the provider as the client gets it. */
export const answered = (line: Line, answer: JsonObject) => {
  const { body, observed } = roadOf(line, false).unary(Buffer.from(JSON.stringify(answer)))
  return { body: JSON.parse(body.toString()) as JsonObject, observed }
}

export interface Streamed {
  readonly text: string
  /** What is behind `data:`, where it is JSON. */
  readonly data: readonly JsonObject[]
  /** As the client protocol's own decoder reads it. */
  readonly events: readonly NeutralEvent[]
  readonly observed: Observed
  readonly failed: boolean
}

/** A stream of the provider as the client gets it; `seed` cuts the bytes anywhere. */
export const streamed = (line: Line, bytes: Buffer, seed?: number): Streamed => {
  const client = protocolById(line.client)
  const way = roadOf(line, true).stream()
  const told = carry(client, way, seed === undefined ? [bytes] : recut(bytes, seed))
  const data = new SseSplitter()
    .push(told.bytes)
    .map((frame) => parseFrame(frame).data)
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as JsonObject)
  return {
    text: told.bytes.toString(),
    data,
    events: decodeStream(client, [told.bytes]),
    observed: way.observed,
    failed: told.failed,
  }
}

/** Events of OpenAI Chat and Gemini: data alone. */
export const unnamed = (...events: readonly (JsonObject | string)[]): Buffer =>
  Buffer.from(events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join(''))

/** Events of Anthropic and Responses, named by their type. */
export const named = (...events: readonly JsonObject[]): Buffer =>
  Buffer.from(events.map((event) => `event: ${event['type'] as string}\ndata: ${JSON.stringify(event)}\n\n`).join(''))

/** Frames of a Chat stream. */
export const chat = {
  delta: (delta: JsonObject, finish: string | null = null, index = 0): JsonObject => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 5,
    model: 'real',
    choices: [{ index, delta, finish_reason: finish }],
  }),
  call: (index: number, more: JsonObject, text?: string, name?: string): JsonObject =>
    chat.delta({
      tool_calls: [
        {
          index,
          ...more,
          function: { ...(name !== undefined && { name }), ...(text !== undefined && { arguments: text }) },
        },
      ],
    }),
  usage: (usage: JsonObject): JsonObject => ({ id: 'chatcmpl-1', model: 'real', created: 5, choices: [], usage }),
  stream: (...chunks: readonly JsonObject[]): Buffer => unnamed(...chunks, '[DONE]'),
  whole: (
    message: JsonObject,
    finish: string,
    usage: JsonObject = { prompt_tokens: 3, completion_tokens: 2 },
  ): JsonObject => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 5,
    model: 'real',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
    usage,
  }),
}

/** Events of an Anthropic stream. */
export const claude = {
  stream: (usage: JsonObject, end: JsonObject, ...blocks: readonly (readonly JsonObject[])[]): Buffer => {
    const message = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'real',
      content: [],
      stop_reason: null,
      usage,
    }
    const inner = blocks.flatMap(([start, ...deltas], index) => [
      { type: 'content_block_start', index, content_block: start! },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ])
    return named(
      { type: 'message_start', message },
      ...inner,
      { type: 'message_delta', ...end },
      { type: 'message_stop' },
    )
  },
  text: (text: string): JsonObject[] => [
    { type: 'text', text: '' },
    { type: 'text_delta', text },
  ],
  call: (id: string, name: string, ...json: readonly string[]): JsonObject[] => [
    { type: 'tool_use', id, name, input: {} },
    ...json.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  ],
  whole: (
    content: readonly JsonObject[],
    stop = 'end_turn',
    usage: JsonObject = { input_tokens: 3, output_tokens: 2 },
  ): JsonObject => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'real',
    content: [...content],
    stop_reason: stop,
    stop_sequence: null,
    usage,
  }),
}

/** Chunks of a Gemini stream, which are whole answers as well. */
export const google = {
  chunk: (parts: readonly JsonObject[], finish?: string, usage?: JsonObject): JsonObject => ({
    candidates: [
      {
        content: { role: 'model', parts: [...parts] },
        index: 0,
        ...(finish !== undefined && { finishReason: finish }),
      },
    ],
    usageMetadata: usage ?? { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
    modelVersion: 'real',
    responseId: 'r1',
  }),
}

/** What a client's arguments of calls are, in order, as the stream of events tells them. */
export const callsIn = (events: readonly NeutralEvent[]): { readonly name: string; readonly arguments: string }[] => {
  const calls = new Map<string, { name: string; arguments: string }>()
  for (const event of events) {
    if (event.type === 'block-start' && event.block.kind === 'tool-call')
      calls.set(`${event.choice}/${event.index}`, { name: event.block.name, arguments: '' })
    if (event.type === 'block-delta' && event.delta.kind === 'arguments')
      calls.get(`${event.choice}/${event.index}`)!.arguments += event.delta.json
  }
  return [...calls.values()]
}

export const textIn = (events: readonly NeutralEvent[]): string =>
  events.map((event) => (event.type === 'block-delta' && event.delta.kind === 'text' ? event.delta.text : '')).join('')
