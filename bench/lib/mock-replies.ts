/** What the mock provider answers, framed as HTTP/1.1. */
export type MockProtocol = 'openai' | 'anthropic'

export interface StreamPlan {
  readonly events: number
  readonly intervalMs: number
  readonly head: string
  /** One framed event that carries its number and the time of its sending. */
  event(index: number, timeUs: number): string
  tail(includeUsage: boolean): string
}

const prose = 'The gateway stands between the people and programs that use models and the providers that run them. '
const text = (length: number): string => prose.repeat(Math.ceil(length / prose.length)).slice(0, length)

const usage = { prompt_tokens: 120, completion_tokens: 180, total_tokens: 300 }
const openaiReply = {
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_790_000_000,
  model: 'unary',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: text(760), refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage,
}
const anthropicReply = {
  id: 'msg_bench',
  type: 'message',
  role: 'assistant',
  model: 'unary',
  content: [{ type: 'text', text: text(800) }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 120, output_tokens: 180 },
}

const framed = (body: object): Buffer => {
  const json = JSON.stringify(body)
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
  )
}
const replies = { openai: framed(openaiReply), anthropic: framed(anthropicReply) }
export const unaryReply = (protocol: MockProtocol): Buffer => replies[protocol]

const head =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n'
const chunk = (payload: string): string => `${payload.length.toString(16)}\r\n${payload}\r\n`
const last = '0\r\n\r\n'

/** Number and time as the load client finds them again: `@000012:0001234567890123@`. */
const stamp = (index: number, timeUs: number): string =>
  `@${String(index).padStart(6, '0')}:${String(Math.round(timeUs)).padStart(16, '0')}@`

const openaiChunk = (model: string, delta: string, finish: string): string =>
  `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"${model}","choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}]}\n\n`
const anthropicEvent = (type: string, rest: string): string => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`

/** 330 bytes for each event, one write each. */
const openaiStream = (model: string, events: number, intervalMs: number, padding = text(108)): StreamPlan => ({
  events,
  intervalMs,
  head,
  event: (index, timeUs) =>
    chunk(openaiChunk(model, `{"role":"assistant","content":"${stamp(index, timeUs)}${padding}"}`, 'null')),
  tail: (includeUsage) => {
    const closing = includeUsage
      ? `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"${model}","choices":[],"usage":${JSON.stringify(usage)}}\n\n`
      : ''
    return `${chunk(`${openaiChunk(model, '{}', '"stop"')}${closing}data: [DONE]\n\n`)}${last}`
  },
})

const anthropicStream = (model: string, events: number, intervalMs: number): StreamPlan => ({
  events,
  intervalMs,
  head:
    head +
    chunk(
      anthropicEvent(
        'message_start',
        `,"message":{"id":"msg_bench","type":"message","role":"assistant","model":"${model}","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":120,"output_tokens":1}}`,
      ) + anthropicEvent('content_block_start', ',"index":0,"content_block":{"type":"text","text":""}'),
    ),
  event: (index, timeUs) =>
    chunk(
      anthropicEvent(
        'content_block_delta',
        `,"index":0,"delta":{"type":"text_delta","text":"${stamp(index, timeUs)}${text(180)}"}`,
      ),
    ),
  tail: () =>
    chunk(
      anthropicEvent('content_block_stop', ',"index":0') +
        anthropicEvent(
          'message_delta',
          ',"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":180}',
        ) +
        anthropicEvent('message_stop', ''),
    ) + last,
})

export const streamPlan = (protocol: MockProtocol, model: string, events: number, intervalMs: number): StreamPlan =>
  protocol === 'openai' ? openaiStream(model, events, intervalMs) : anthropicStream(model, events, intervalMs)

const wide = text(16 * 1024)
/** An answer of many megabytes in events of 16 KB. */
export const bigPlan = (megabytes: number): StreamPlan => openaiStream(`big-${megabytes}`, megabytes * 64, 0, wide)
