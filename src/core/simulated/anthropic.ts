import type { Reply } from './reply.ts'
import { content, frame } from './rendering.ts'
import type { Answer, Rendering, StreamItem } from './rendering.ts'

const usageOf = ({ usage }: Reply, output: number) =>
  usage && {
    input_tokens: usage.input - usage.cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cached,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: output,
    service_tier: 'standard',
  }

const stopOf = ({ finish, stopped }: Reply['choices'][number]) => ({
  stop_reason:
    stopped !== null
      ? 'stop_sequence'
      : ({ stop: 'end_turn', length: 'max_tokens', tools: 'tool_use', refusal: 'refusal' } as const)[finish],
  stop_sequence: stopped,
})

const signatureOf = ({ seed }: Reply): string => Buffer.from(`simulated ${seed}`).toString('base64')

const message = ({ prompt, reply }: Answer) => ({
  id: `msg_sim${reply.seed.slice(0, 24)}`,
  type: 'message',
  role: 'assistant',
  model: prompt.model,
})

const whole: Rendering['whole'] = (answer) => {
  const { reply } = answer
  const choice = reply.choices[0]!
  const usage = usageOf(reply, reply.usage?.output ?? 0)
  return {
    ...message(answer),
    content: [
      ...(reply.thinking.length > 0
        ? [{ type: 'thinking', thinking: reply.thinking.join(''), signature: signatureOf(reply) }]
        : []),
      ...(choice.text.length > 0 ? [{ type: 'text', text: choice.text.join('') }] : []),
      ...choice.calls.map((call) => ({
        type: 'tool_use',
        id: `toolu_${call.id}`,
        name: call.name,
        input: JSON.parse(call.arguments.join('')) as unknown,
      })),
    ],
    ...stopOf(choice),
    ...(usage && { usage }),
  }
}

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`

const stream: Rendering['stream'] = (answer) => {
  const { reply } = answer
  const choice = reply.choices[0]!
  const items: StreamItem[] = []
  let index = 0
  const block = (opening: object, deltas: readonly StreamItem[]): void => {
    items.push(frame(event('content_block_start', { index, content_block: opening })))
    if (index === 0) items.push(frame(event('ping', {})))
    items.push(...deltas, frame(event('content_block_stop', { index })))
    index++
  }
  const delta = (fields: object): string => event('content_block_delta', { index, delta: fields })

  const started = usageOf(reply, 1)
  const opening = {
    ...message(answer),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    ...(started && { usage: started }),
  }
  items.push(frame(event('message_start', { message: opening })))
  if (reply.thinking.length > 0) {
    const deltas = reply.thinking.map((thinking) => content(delta({ type: 'thinking_delta', thinking })))
    block({ type: 'thinking', thinking: '', signature: '' }, [
      ...deltas,
      frame(delta({ type: 'signature_delta', signature: signatureOf(reply) })),
    ])
  }
  if (choice.text.length > 0) {
    block(
      { type: 'text', text: '' },
      choice.text.map((text) => content(delta({ type: 'text_delta', text }))),
    )
  }
  for (const call of choice.calls) {
    const deltas = call.arguments.map((piece) => content(delta({ type: 'input_json_delta', partial_json: piece })))
    block({ type: 'tool_use', id: `toolu_${call.id}`, name: call.name, input: {} }, [
      frame(delta({ type: 'input_json_delta', partial_json: '' })),
      ...deltas,
    ])
  }
  const { usage } = reply
  const counted = usage && {
    input_tokens: usage.input - usage.cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cached,
    output_tokens: usage.output,
    ...(usage.thinking > 0 && { output_tokens_details: { thinking_tokens: usage.thinking } }),
  }
  items.push(frame(event('message_delta', { delta: stopOf(choice), ...(counted && { usage: counted }) })))
  return [...items, frame(event('message_stop', {}))]
}

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

const errorType = (status: number): string => types[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')

export const anthropicRendering: Rendering = {
  whole,
  stream,
  error: (status, text, requestId) => ({
    type: 'error',
    error: { type: errorType(status), message: text },
    request_id: requestId,
  }),
  streamError: (text, requestId) =>
    event('error', { error: { type: 'overloaded_error', message: text }, request_id: requestId }),
}
