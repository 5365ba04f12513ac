/** What a mock provider does with a request, as JSON, because it crosses a process border. */
export interface Behaviour {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Text of a well-formed answer in the protocol of the path, whole or streamed as the request asks. Default: a short sentence. */
  readonly text?: string
  /** What that answer reports; null: nothing. Default 10 and 5. */
  readonly usage?: { readonly input: number; readonly output: number } | null
  /** Exact bytes instead of a well-formed answer. Each chunk is one write. */
  readonly chunks?: readonly Chunk[]
  /** Repeats `chunk` after `chunks` until so many bytes are out: huge answers. */
  readonly fill?: { readonly chunk: string; readonly bytes: number }
  /** The end of the body is told by chunked coding (default), by content-length (not with `fill`), or by closing. */
  readonly framing?: 'chunked' | 'length' | 'close'
  /** Milliseconds before the head, and before each chunk. */
  readonly delayMs?: number
  readonly chunkDelayMs?: number
  /**
   * What goes wrong after so many bytes of the body; without `afterBytes` before the head. `reset`: RST. `cut`: FIN in the middle of the message. `end`: the
   * message ends properly though the body does not. `hang`: nothing comes any more.
   */
  readonly fault?: { readonly kind: 'reset' | 'cut' | 'end' | 'hang'; readonly afterBytes?: number }
  /** The whole HTTP message as bytes, head included, for answers that are not HTTP. The connection stays open. */
  readonly rawHttp?: Chunk
  /** How many attempts get this before the next behaviour of the list takes over. The last of a list stays. */
  readonly times?: number
}

export type Chunk = string | { readonly base64: string }

export const chunkBytes = (chunk: Chunk): Buffer =>
  typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.base64, 'base64')

export interface Asked {
  readonly path: string
  readonly model: string
  readonly stream: boolean
  /** OpenAI's `stream_options.include_usage`. */
  readonly includeUsage: boolean
}

const defaultText = 'Hello from the mock provider.'
const defaultUsage = { input: 10, output: 5 }

/** The body of a well-formed answer as a list of writes, one per event when streamed. */
export const answerChunks = (
  asked: Asked,
  { text = defaultText, usage = defaultUsage }: Behaviour,
): readonly string[] => {
  if (asked.path.endsWith('/messages'))
    return asked.stream ? messageEvents(asked, text, usage) : [JSON.stringify(message(asked, text, usage))]
  if (asked.path.endsWith('/count_tokens')) return [JSON.stringify({ input_tokens: usage?.input ?? 0 })]
  if (asked.path.endsWith('/models')) return [JSON.stringify({ object: 'list', data: [] })]
  return asked.stream ? completionChunks(asked, text, usage) : [JSON.stringify(completion(asked, text, usage))]
}

type Used = NonNullable<Behaviour['usage']> | null

const openAiUsage = (used: NonNullable<Used>) => ({
  prompt_tokens: used.input,
  completion_tokens: used.output,
  total_tokens: used.input + used.output,
})

const completion = ({ model }: Asked, content: string, used: Used) => ({
  id: 'chatcmpl-mock',
  object: 'chat.completion',
  created: 1_700_000_000,
  model,
  choices: [
    { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' },
  ],
  ...(used && { usage: openAiUsage(used) }),
})

const words = (text: string): string[] => text.match(/\s*\S+/g) ?? []

const completionChunks = ({ model, includeUsage }: Asked, text: string, used: Used): string[] => {
  const chunk = (choices: readonly unknown[], usage: unknown): string => {
    const body = { id: 'chatcmpl-mock', object: 'chat.completion.chunk', created: 1_700_000_000, model, choices }
    return `data: ${JSON.stringify(includeUsage ? { ...body, usage } : body)}\n\n`
  }
  const choice = (delta: unknown, finish: string | null) => [{ index: 0, delta, logprobs: null, finish_reason: finish }]
  return [
    chunk(choice({ role: 'assistant', content: '', refusal: null }, null), null),
    ...words(text).map((content) => chunk(choice({ content }, null), null)),
    chunk(choice({}, 'stop'), null),
    ...(includeUsage && used ? [chunk([], openAiUsage(used))] : []),
    'data: [DONE]\n\n',
  ]
}

const anthropicUsage = (used: Used) => ({
  input_tokens: used?.input ?? 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: used?.output ?? 0,
})

const message = ({ model }: Asked, text: string, used: Used) => ({
  id: 'msg_mock',
  type: 'message',
  role: 'assistant',
  model,
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  ...(used && { usage: anthropicUsage(used) }),
})

const messageEvents = (asked: Asked, text: string, used: Used): string[] => {
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
  const start = {
    ...message(asked, '', used),
    content: [],
    stop_reason: null,
    ...(used && { usage: { ...anthropicUsage(used), output_tokens: 1 } }),
  }
  const delta = { stop_reason: 'end_turn', stop_sequence: null }
  return [
    event('message_start', { message: start }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...words(text).map((word) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: word } })),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta, ...(used && { usage: { output_tokens: used.output } }) }),
    event('message_stop', {}),
  ]
}
