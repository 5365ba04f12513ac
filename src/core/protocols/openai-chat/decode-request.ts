import type { JsonObject, JsonValue, NeutralRequest, OutputFormat } from '../neutral/index.ts'
import {
  array,
  boolean,
  compact,
  filled,
  notServed,
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
import { decodeMessages } from './decode-messages.ts'
import { decodeToolChoice, decodeTools } from './decode-tools.ts'

const known = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_completion_tokens',
  'max_tokens',
  'tools',
  'tool_choice',
  'web_search_options',
  'parallel_tool_calls',
  'temperature',
  'top_p',
  'top_k',
  'stop',
  'n',
  'response_format',
  'reasoning_effort',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'verbosity',
  'user',
  'metadata',
  'service_tier',
])
const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

/**
 * A client's `POST /v1/chat/completions` body. Fields the neutral form has no place for are kept raw in `extensions['openai-chat']`; which of them may be left out on
 * the way to another protocol is for that protocol's codec to say.
 */
export const decodeRequest = (body: JsonObject): NeutralRequest => {
  for (const legacy of ['functions', 'function_call']) {
    if (body[legacy] != null) notServed(legacy, 'is no longer served for this model; use tools and tool_choice')
  }
  const { system, messages } = decodeMessages(body['messages'])
  requireToolPairs(messages)
  const stream = optional(body['stream'], 'stream', boolean) ?? false
  const options = optional(body['stream_options'], 'stream_options', object)
  if (options && !stream) refuse('stream_options', 'is allowed only together with "stream": true.')
  const tools = decodeTools(body)
  const extra = rest(body, known)
  return compact({
    protocol: 'openai-chat' as const,
    model: filled(body['model'], 'model'),
    stream,
    includeUsage: stream && options?.['include_usage'] === true,
    system,
    messages,
    tools,
    ...decodeToolChoice(body, tools),
    maxTokens: decodeLimit(body),
    stop: optional(body['stop'], 'stop', readStops),
    choices: optional(body['n'], 'n', (value, path) => wholeNumber(value, path, 1)),
    format: optional(body['response_format'], 'response_format', readFormat),
    reasoning: optional(body['reasoning_effort'], 'reasoning_effort', (value, path) => ({
      effort: oneOf(value, path, efforts),
    })),
    temperature: optional(body['temperature'], 'temperature', (value, path) => number(value, path, 0, 2)),
    topP: optional(body['top_p'], 'top_p', (value, path) => number(value, path, 0, 1)),
    topK: optional(body['top_k'], 'top_k', (value, path) => wholeNumber(value, path, -1)),
    seed: optional(body['seed'], 'seed', (value, path) => wholeNumber(value, path, Number.MIN_SAFE_INTEGER)),
    presencePenalty: optional(body['presence_penalty'], 'presence_penalty', readPenalty),
    frequencyPenalty: optional(body['frequency_penalty'], 'frequency_penalty', readPenalty),
    logitBias: optional(body['logit_bias'], 'logit_bias', object),
    logprobs: decodeLogprobs(body),
    verbosity: optional(body['verbosity'], 'verbosity', (value, path) => oneOf(value, path, ['low', 'medium', 'high'])),
    user: optional(body['user'], 'user', string),
    metadata: optional(body['metadata'], 'metadata', object),
    serviceTier: optional(body['service_tier'], 'service_tier', filled),
    extensions: extra && { 'openai-chat': extra },
  })
}

const decodeLimit = (body: JsonObject): number | undefined => {
  const read = (value: JsonValue, path: string) => wholeNumber(value, path, 1)
  const limit = optional(body['max_completion_tokens'], 'max_completion_tokens', read)
  const older = optional(body['max_tokens'], 'max_tokens', read)
  if (limit !== undefined && older !== undefined && limit !== older)
    refuse('max_tokens', 'differs from max_completion_tokens. Send only one of them.')
  return limit ?? older
}

const readStops = (value: JsonValue, path: string): string[] =>
  typeof value === 'string' ? [value] : array(value, path).map((stop, index) => string(stop, `${path}[${index}]`))

const readPenalty = (value: JsonValue, path: string): number => number(value, path, -2, 2)

const decodeLogprobs = (body: JsonObject): { top?: number } | undefined => {
  if (optional(body['logprobs'], 'logprobs', boolean) !== true) return undefined
  const top = optional(body['top_logprobs'], 'top_logprobs', (value, path) =>
    number(wholeNumber(value, path, 0), path, 0, 20),
  )
  return compact({ top })
}

const readFormat = (value: JsonValue, path: string): OutputFormat => {
  const format = object(value, path)
  const type = oneOf(format['type'], `${path}.type`, ['text', 'json_object', 'json_schema'])
  if (type === 'text') return { type: 'text' }
  if (type === 'json_object') return { type: 'json' }
  const at = `${path}.json_schema`
  const wanted = object(format['json_schema'], at)
  return compact({
    type: 'schema' as const,
    schema: optional(wanted['schema'], `${at}.schema`, object) ?? {},
    name: optional(wanted['name'], `${at}.name`, filled),
    description: optional(wanted['description'], `${at}.description`, string),
    strict: optional(wanted['strict'], `${at}.strict`, boolean),
  })
}
