import { content, frame } from './rendering.ts'
import type { Answer, Rendering, StreamItem } from './rendering.ts'
import type { Choice, Reply } from './reply.ts'

type Item = Readonly<Record<string, unknown>>

const usageOf = ({ usage }: Reply): Item | null =>
  usage && {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.thinking },
    total_tokens: usage.input + usage.output,
  }

const idOf = (prefix: string, { seed }: Reply, at: number): string => `${prefix}_sim${seed.slice(0, 32)}${at}`

/** The response object; what a request without settings gets back in most fields. */
const responseOf = (answer: Answer, status: string, output: readonly Item[], more: Item = {}): Item => {
  const { prompt, reply, created } = answer
  return {
    id: `resp_sim${reply.seed.slice(0, 48)}`,
    object: 'response',
    created_at: created,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: prompt.maxTokens,
    model: prompt.model,
    output,
    parallel_tool_calls: prompt.parallel,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata: {},
    ...more,
  }
}

const reasoningItem = (reply: Reply): Item => ({
  id: idOf('rs', reply, 0),
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: reply.thinking.join('') }],
  encrypted_content: `simulated-${reply.seed.slice(0, 16)}`,
})

const messageItem = (reply: Reply, { text, finish }: Choice): Item => ({
  id: idOf('msg', reply, 0),
  type: 'message',
  status: finish === 'length' ? 'incomplete' : 'completed',
  role: 'assistant',
  content: [
    finish === 'refusal'
      ? { type: 'refusal', refusal: text.join('') }
      : { type: 'output_text', text: text.join(''), annotations: [], logprobs: [] },
  ],
})

const callItem = (reply: Reply, call: Choice['calls'][number], at: number): Item => ({
  id: idOf('fc', reply, at),
  type: 'function_call',
  status: 'completed',
  call_id: `call_${call.id}`,
  name: call.name,
  arguments: call.arguments.join(''),
})

const itemsOf = (reply: Reply): Item[] => {
  const [choice] = reply.choices
  return [
    ...(reply.thinking.length > 0 ? [reasoningItem(reply)] : []),
    ...(choice!.calls.length > 0
      ? choice!.calls.map((call, at) => callItem(reply, call, at))
      : [messageItem(reply, choice!)]),
  ]
}

const finalOf = (answer: Answer): Item => {
  const { reply } = answer
  const short = reply.choices[0]!.finish === 'length'
  return responseOf(answer, short ? 'incomplete' : 'completed', itemsOf(reply), {
    usage: usageOf(reply),
    ...(short && { incomplete_details: { reason: 'max_output_tokens' } }),
  })
}

const stream: Rendering['stream'] = (answer) => {
  const { reply } = answer
  const [choice] = reply.choices
  const items: StreamItem[] = []
  let sequence = 0
  const event = (type: string, more: Item): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...more })}\n\n`
  const lifecycle = responseOf(answer, 'in_progress', [])
  items.push(frame(event('response.created', { response: lifecycle })))
  items.push(frame(event('response.in_progress', { response: lifecycle })))
  for (const [output_index, item] of itemsOf(reply).entries()) {
    const at = { item_id: item['id'], output_index }
    const opened = { ...item, status: 'in_progress' }
    if (item['type'] === 'reasoning') {
      const summary = { ...at, summary_index: 0 }
      const text = reply.thinking.join('')
      items.push(frame(event('response.output_item.added', { output_index, item: { ...item, summary: [] } })))
      items.push(
        frame(event('response.reasoning_summary_part.added', { ...summary, part: { type: 'summary_text', text: '' } })),
      )
      for (const delta of reply.thinking)
        items.push(content(event('response.reasoning_summary_text.delta', { ...summary, delta })))
      items.push(frame(event('response.reasoning_summary_text.done', { ...summary, text })))
      items.push(
        frame(event('response.reasoning_summary_part.done', { ...summary, part: { type: 'summary_text', text } })),
      )
    } else if (item['type'] === 'function_call') {
      const call = choice!.calls[output_index - (reply.thinking.length > 0 ? 1 : 0)]!
      items.push(frame(event('response.output_item.added', { output_index, item: { ...opened, arguments: '' } })))
      for (const delta of call.arguments)
        items.push(content(event('response.function_call_arguments.delta', { ...at, delta })))
      const whole = { ...at, name: call.name, arguments: item['arguments'] }
      items.push(frame(event('response.function_call_arguments.done', whole)))
    } else items.push(...messageEvents(event, at, opened, item, choice!))
    items.push(frame(event('response.output_item.done', { output_index, item })))
  }
  const final = finalOf(answer)
  return [...items, frame(event(`response.${String(final['status'])}`, { response: final }))]
}

const messageEvents = (
  event: (type: string, more: Item) => string,
  at: { readonly item_id: unknown; readonly output_index: number },
  opened: Item,
  item: Item,
  { text, finish }: Choice,
): StreamItem[] => {
  const part = { ...at, content_index: 0 }
  const [whole] = item['content'] as readonly Item[]
  const refusal = finish === 'refusal'
  const kind = refusal ? 'refusal' : 'output_text'
  const logprobs = refusal ? {} : { logprobs: [] }
  const empty = { ...whole, ...(refusal ? { refusal: '' } : { text: '' }) }
  return [
    frame(event('response.output_item.added', { output_index: at.output_index, item: { ...opened, content: [] } })),
    frame(event('response.content_part.added', { ...part, part: empty })),
    ...text.map((delta) => content(event(`response.${kind}.delta`, { ...part, delta, ...logprobs }))),
    frame(
      event(`response.${kind}.done`, {
        ...part,
        ...(refusal ? { refusal: text.join('') } : { text: text.join('') }),
        ...logprobs,
      }),
    ),
    frame(event('response.content_part.done', { ...part, part: whole })),
  ]
}

/** OpenAI's Responses API: `POST /responses`. */
export const responsesRendering: Pick<Rendering, 'whole' | 'stream' | 'streamError'> = {
  whole: finalOf,
  stream,
  streamError: (message) => {
    const error = { type: 'server_error', code: 'server_error', message, param: null }
    return `event: error\ndata: ${JSON.stringify({ type: 'error', sequence_number: 999_999, error })}\n\n`
  },
}
