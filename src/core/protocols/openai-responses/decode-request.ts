import type { JsonObject, NeutralMessage, NeutralRequest, OutputFormat, Reasoning } from '../neutral/index.ts'
import {
  array,
  boolean,
  compact,
  filled,
  isObject,
  number,
  object,
  oneOf,
  optional,
  refuse,
  rest,
  string,
  wholeNumber,
} from '../read.ts'
import { requireToolPairs } from '../tool-pairs.ts'
import { decodeItems } from './decode-items.ts'
import { decodeToolChoice, decodeTools, isHostedChoice } from './decode-tools.ts'

const known = new Set([
  'model',
  'input',
  'instructions',
  'stream',
  'stream_options',
  // That an answer be kept is missed only by a client that says so: nothing that is kept can be asked for here (inspect.ts).
  'store',
  'max_output_tokens',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'temperature',
  'top_p',
  'top_logprobs',
  'text',
  'reasoning',
  'include',
  'user',
  'metadata',
  'service_tier',
])
const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const
const textFields = new Set(['format', 'verbosity'])
const reasoningFields = new Set(['effort', 'summary', 'generate_summary'])
const encryptedReasoning = 'reasoning.encrypted_content'
const logprobsOfText = 'message.output_text.logprobs'

/**
 * A client's `POST /v1/responses` body. Fields the neutral form has no place for are kept raw in `extensions['openai-responses']`; which of them may be left out on the
 * way to another protocol is for that protocol's codec to say.
 */
export const decodeRequest = (body: JsonObject): NeutralRequest => {
  const instructions = optional(body['instructions'], 'instructions', string)
  const { system, messages } = decodeItems(body['input'] ?? (isContinued(body) ? [] : undefined))
  if (!isContinued(body)) {
    if (messages.length === 0) refuse('input', 'must hold at least one item that is not an instruction.')
    if (!refersToItems(messages)) requireToolPairs(messages)
  }
  const stream = optional(body['stream'], 'stream', boolean) ?? false
  if (body['stream_options'] != null && !stream)
    refuse('stream_options', 'is allowed only together with "stream": true.')
  requireTypes(body)
  const tools = decodeTools(body)
  return compact({
    protocol: 'openai-responses' as const,
    model: filled(body['model'], 'model'),
    stream,
    includeUsage: true,
    system: instructions ? [{ type: 'text' as const, text: instructions, path: 'instructions' }, ...system] : system,
    messages,
    tools,
    ...decodeToolChoice(body, tools),
    maxTokens: optional(body['max_output_tokens'], 'max_output_tokens', (value, path) => wholeNumber(value, path, 1)),
    format: decodeFormat(body),
    reasoning: decodeReasoning(body),
    temperature: optional(body['temperature'], 'temperature', (value, path) => number(value, path, 0, 2)),
    topP: optional(body['top_p'], 'top_p', (value, path) => number(value, path, 0, 1)),
    logprobs: decodeLogprobs(body),
    verbosity: optional(optional(body['text'], 'text', object)?.['verbosity'], 'text.verbosity', (value, path) =>
      oneOf(value, path, ['low', 'medium', 'high']),
    ),
    user: optional(body['user'], 'user', string),
    metadata: optional(body['metadata'], 'metadata', object),
    serviceTier: optional(body['service_tier'], 'service_tier', filled),
    extensions: decodeExtensions(body),
  })
}

/** Fields that no other protocol is told of are checked all the same, as the API does. */
const requireTypes = (body: JsonObject): void => {
  optional(body['store'], 'store', boolean)
  optional(body['truncation'], 'truncation', (value, path) => oneOf(value, path, ['auto', 'disabled']))
  optional(body['max_tool_calls'], 'max_tool_calls', (value, path) => wholeNumber(value, path, 1))
}

/** What came before is kept by the provider: the input may be nothing but results of calls that are not in it. */
const isContinued = (body: JsonObject): boolean =>
  ['previous_response_id', 'conversation', 'prompt'].some((field) => body[field] != null)

const refersToItems = (messages: readonly NeutralMessage[]): boolean =>
  messages.some(({ parts }) =>
    parts.some((part) => part.type === 'opaque' && (part.value['type'] ?? 'item_reference') === 'item_reference'),
  )

const decodeFormat = (body: JsonObject): OutputFormat | undefined => {
  const at = 'text.format'
  const format = optional(optional(body['text'], 'text', object)?.['format'], at, object)
  if (!format) return undefined
  const type = oneOf(format['type'], `${at}.type`, ['text', 'json_object', 'json_schema'])
  if (type === 'text') return { type: 'text' }
  if (type === 'json_object') return { type: 'json' }
  return compact({
    type: 'schema' as const,
    schema: object(format['schema'], `${at}.schema`),
    name: optional(format['name'], `${at}.name`, filled),
    description: optional(format['description'], `${at}.description`, string),
    strict: optional(format['strict'], `${at}.strict`, boolean),
  })
}

/** Asking for a summary is asking to see the thoughts. */
const decodeReasoning = (body: JsonObject): Reasoning | undefined => {
  const reasoning = optional(body['reasoning'], 'reasoning', object)
  if (!reasoning) return undefined
  const read = compact({
    effort: optional(reasoning['effort'], 'reasoning.effort', (value, path) => oneOf(value, path, efforts)),
    display: summaryOf(reasoning) === undefined ? undefined : ('summarized' as const),
  })
  return Object.keys(read).length > 0 ? read : undefined
}

const summaryOf = (reasoning: JsonObject): 'auto' | 'concise' | 'detailed' | undefined => {
  const field = reasoning['summary'] == null ? 'generate_summary' : 'summary'
  return optional(reasoning[field], `reasoning.${field}`, (value, path) =>
    oneOf(value, path, ['auto', 'concise', 'detailed']),
  )
}

const decodeInclude = (body: JsonObject): string[] =>
  (optional(body['include'], 'include', array) ?? []).map((name, index) => string(name, `include[${index}]`))

const decodeLogprobs = (body: JsonObject): { readonly top?: number } | undefined => {
  const top = optional(body['top_logprobs'], 'top_logprobs', (value, path) =>
    number(wholeNumber(value, path, 0), path, 0, 20),
  )
  return top || decodeInclude(body).includes(logprobsOfText) ? compact({ top }) : undefined
}

/** By their paths where they are nested. What is the default said aloud is left out: no other protocol need be asked for it. */
const decodeExtensions = (body: JsonObject): NeutralRequest['extensions'] => {
  const extra: JsonObject = { ...rest(body, known) }
  const include = decodeInclude(body).filter((name) => name !== encryptedReasoning && name !== logprobsOfText)
  if (include.length > 0) extra['include'] = include
  const { text, reasoning, tool_choice: choice } = body
  for (const [field, value] of Object.entries((isObject(text) && rest(text, textFields)) || {}))
    extra[`text.${field}`] = value
  if (isObject(reasoning)) {
    for (const [field, value] of Object.entries(rest(reasoning, reasoningFields) ?? {}))
      extra[`reasoning.${field}`] = value
    const summary = summaryOf(reasoning)
    if (summary !== undefined && summary !== 'auto') extra['reasoning.summary'] = summary
  }
  if (choice !== undefined && isHostedChoice(choice)) extra['tool_choice'] = choice
  if (body['store'] === true) extra['store'] = true
  if (extra['background'] === false) delete extra['background']
  if (extra['truncation'] === 'disabled') delete extra['truncation']
  return Object.keys(extra).length > 0 ? { 'openai-responses': extra } : undefined
}
