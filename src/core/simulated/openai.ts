import type { Choice, Reply } from './reply.ts'
import { content, frame } from './rendering.ts'
import type { Answer, Rendering, StreamItem } from './rendering.ts'

const finishReason = { stop: 'stop', length: 'length', tools: 'tool_calls', refusal: 'content_filter' } as const

const usageOf = ({ usage }: Reply) =>
  usage && {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.thinking,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }

const callOf = ({ id, name }: Choice['calls'][number], written: string) => ({
  id: `call_${id}`,
  type: 'function',
  function: { name, arguments: written },
})

const head = ({ prompt, reply, created }: Answer, kind: string) => ({
  id: `chatcmpl-sim${reply.seed.slice(0, 24)}`,
  object: kind,
  created,
  model: prompt.model,
})

const tail = { service_tier: 'default', system_fingerprint: null }

const whole: Rendering['whole'] = (answer) => {
  const { reply } = answer
  const usage = usageOf(reply)
  const choices = reply.choices.map(({ text, calls, finish }, index) => ({
    index,
    message: {
      role: 'assistant',
      content: calls.length > 0 ? null : text.join(''),
      ...(reply.thinking.length > 0 && { reasoning_content: reply.thinking.join('') }),
      refusal: null,
      annotations: [],
      ...(calls.length > 0 && { tool_calls: calls.map((call) => callOf(call, call.arguments.join(''))) }),
    },
    logprobs: null,
    finish_reason: finishReason[finish],
  }))
  return { ...head(answer, 'chat.completion'), choices, ...(usage && { usage }), ...tail }
}

const stream: Rendering['stream'] = (answer) => {
  const { prompt, reply } = answer
  const shared = head(answer, 'chat.completion.chunk')
  const write = (choices: readonly object[], usage: object | null): string =>
    `data: ${JSON.stringify({ ...shared, ...tail, choices, ...(prompt.includeUsage && reply.usage && { usage }) })}\n\n`
  const items: StreamItem[] = []
  for (const [index, { text, calls, finish }] of reply.choices.entries()) {
    const chunk = (delta: object, finish_reason: string | null = null): string =>
      write([{ index, delta, logprobs: null, finish_reason }], null)
    items.push(frame(chunk({ role: 'assistant', content: calls.length > 0 ? null : '', refusal: null })))
    if (index === 0) items.push(...reply.thinking.map((piece) => content(chunk({ reasoning_content: piece }))))
    items.push(...text.map((piece) => content(chunk({ content: piece }))))
    for (const [at, call] of calls.entries()) {
      items.push(frame(chunk({ tool_calls: [{ index: at, ...callOf(call, '') }] })))
      items.push(
        ...call.arguments.map((piece) =>
          content(chunk({ tool_calls: [{ index: at, function: { arguments: piece } }] })),
        ),
      )
    }
    items.push(frame(chunk({}, finishReason[finish])))
  }
  const usage = usageOf(reply)
  if (prompt.includeUsage && usage) items.push(frame(write([], usage)))
  return [...items, frame('data: [DONE]\n\n')]
}

const errorBody = (status: number, message: string) => {
  const [type, code] =
    status === 429
      ? ['requests', 'rate_limit_exceeded']
      : status === 404
        ? ['invalid_request_error', 'model_not_found']
        : [errorType(status), null]
  return { error: { message, type, param: null, code } }
}

const errorType = (status: number): string => (status >= 500 ? 'server_error' : 'invalid_request_error')

export const openAiRendering: Rendering = {
  whole,
  stream,
  error: errorBody,
  streamError: (message) => `data: ${JSON.stringify(errorBody(500, message))}\n\n`,
}
