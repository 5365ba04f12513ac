/** What the simulated models look at in a request, read from either protocol. Anything they do not know is ignored. */
export interface Prompt {
  readonly model: string
  readonly stream: boolean
  readonly includeUsage: boolean
  /** All text of the request, one entry for each message or part. */
  readonly texts: readonly string[]
  readonly system: string
  readonly lastUser: string
  readonly userTurns: number
  readonly images: number
  /** Text of the tool results that end the conversation; null when it ends otherwise. */
  readonly toolResult: string | null
  readonly tools: readonly Tool[]
  readonly toolChoice:
    | { readonly mode: 'auto' | 'none' | 'required' }
    | { readonly mode: 'named'; readonly name: string }
  readonly parallel: boolean
  readonly maxTokens: number | null
  readonly stop: readonly string[]
  readonly choices: number
  /** The schema the answer must match; an empty one for any JSON; null for text. */
  readonly schema: Json | null
  /** Whether the request asks for thinking. */
  readonly thinking: boolean
}

export interface Tool {
  readonly name: string
  readonly schema: Json
}

export type Json = Readonly<Record<string, unknown>>

export class BadPrompt extends Error {}

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const object = (value: unknown): Json => (isJson(value) ? value : {})
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
export const text = (value: unknown): string => (typeof value === 'string' ? value : '')
export const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null

/** Text of a message's content, a string or a list of parts. Images count as nothing here. */
export const contentText = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map((part) =>
          typeof object(part)['text'] === 'string'
            ? text(object(part)['text'])
            : contentText(object(part)['content'] ?? ''),
        )
        .filter((piece) => piece !== '')
        .join('\n')

export const imagesIn = (content: unknown): number =>
  list(content).filter((part) => ['image', 'image_url', 'input_image'].includes(text(object(part)['type']))).length

/** The body as an object. Throws BadPrompt. */
export const parseBody = (body: Buffer): Json => {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8'))
  } catch {
    throw new BadPrompt('The body is not valid JSON.')
  }
  if (!isJson(parsed)) throw new BadPrompt('The body must be an object.')
  return parsed
}

const parse = (bytes: Buffer): { readonly body: Json; readonly messages: readonly Json[] } => {
  const parsed = parseBody(bytes)
  if (typeof parsed['model'] !== 'string') throw new BadPrompt('model: a string is required.')
  const messages = list(parsed['messages']).filter((message) => isJson(message))
  if (messages.length === 0) throw new BadPrompt('messages: at least one message is required.')
  return { body: parsed, messages }
}

export const readOpenAiPrompt = (bytes: Buffer): Prompt => {
  const { body, messages } = parse(bytes)
  const isSystem = ({ role }: Json): boolean => role === 'system' || role === 'developer'
  const users = messages.filter(({ role }) => role === 'user')
  const results: string[] = []
  for (const message of messages.toReversed()) {
    if (message['role'] !== 'tool') break
    results.unshift(contentText(message['content']))
  }
  const choice = body['tool_choice']
  const named = text(object(object(choice)['function'])['name'])
  const format = object(body['response_format'])
  return {
    model: text(body['model']),
    stream: body['stream'] === true,
    includeUsage: object(body['stream_options'])['include_usage'] === true,
    texts: messages.map(({ content }) => contentText(content)),
    system: messages
      .filter(isSystem)
      .map(({ content }) => contentText(content))
      .join('\n'),
    lastUser: contentText(users.at(-1)?.['content']),
    userTurns: users.length,
    images: messages.reduce((sum, { content }) => sum + imagesIn(content), 0),
    toolResult: results.length > 0 ? results.join('; ') : null,
    tools: list(body['tools'])
      .map((tool) => object(object(tool)['function']))
      .map((tool) => ({ name: text(tool['name']), schema: object(tool['parameters']) }))
      .filter(({ name }) => name !== ''),
    toolChoice:
      named !== ''
        ? { mode: 'named', name: named }
        : { mode: choice === 'none' || choice === 'required' ? choice : 'auto' },
    parallel: body['parallel_tool_calls'] !== false,
    maxTokens: count(body['max_completion_tokens']) ?? count(body['max_tokens']),
    stop: typeof body['stop'] === 'string' ? [body['stop']] : list(body['stop']).map(text),
    choices: Math.min(count(body['n']) ?? 1, 16),
    schema:
      format['type'] === 'json_schema'
        ? object(object(format['json_schema'])['schema'])
        : format['type'] === 'json_object'
          ? {}
          : null,
    thinking: false,
  }
}

export const readAnthropicPrompt = (bytes: Buffer): Prompt => {
  const { body, messages } = parse(bytes)
  const users = messages.filter(({ role }) => role === 'user')
  const last = list(messages.at(-1)?.['content']).map(object)
  const results = last.filter(({ type }) => type === 'tool_result')
  const spoken = users.filter(({ content }) => !list(content).some((part) => object(part)['type'] === 'tool_result'))
  const choice = object(body['tool_choice'])
  const format = object(object(body['output_config'])['format'] ?? body['output_format'])
  return {
    model: text(body['model']),
    stream: body['stream'] === true,
    includeUsage: true,
    texts: [contentText(body['system']), ...messages.map(({ content }) => contentText(content))].filter(
      (piece) => piece !== '',
    ),
    system: contentText(body['system']),
    lastUser: contentText(spoken.at(-1)?.['content']),
    userTurns: spoken.length,
    images: messages.reduce((sum, { content }) => sum + imagesIn(content), 0),
    toolResult: results.length > 0 ? results.map(({ content }) => contentText(content)).join('; ') : null,
    tools: list(body['tools'])
      .map(object)
      .map((tool) => ({ name: text(tool['name']), schema: object(tool['input_schema']) }))
      .filter(({ name }) => name !== ''),
    toolChoice:
      choice['type'] === 'tool'
        ? { mode: 'named', name: text(choice['name']) }
        : { mode: choice['type'] === 'any' ? 'required' : choice['type'] === 'none' ? 'none' : 'auto' },
    parallel: choice['disable_parallel_tool_use'] !== true,
    maxTokens: count(body['max_tokens']),
    stop: list(body['stop_sequences']).map(text),
    choices: 1,
    schema: format['type'] === 'json_schema' ? object(format['schema']) : null,
    thinking: ['enabled', 'adaptive'].includes(text(object(body['thinking'])['type'])),
  }
}
