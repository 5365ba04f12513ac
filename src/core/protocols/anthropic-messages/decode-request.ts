import type { JsonObject, NeutralMessage, NeutralRequest, OutputFormat, Reasoning } from '../neutral/index.ts'
import { decodeContent, decodeTexts } from './decode-content.ts'
import { decodeToolChoice, decodeTools } from './decode-tools.ts'
import {
  array,
  boolean,
  compact,
  filled,
  isObject,
  leftover,
  number,
  object,
  oneOf,
  optional,
  refuse,
  string,
  wholeNumber,
} from './read.ts'
import { requireToolPairs } from '../tool-pairs.ts'

const known = new Set([
  'model',
  'max_tokens',
  'messages',
  'system',
  'stream',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
  'metadata',
  'service_tier',
])
const outputFields = new Set(['effort', 'format'])
const metadataFields = new Set(['user_id'])
const messageFields = new Set(['role', 'content'])

/** Claude Code puts its version and billing line in front of the system text; it is meant for Anthropic's servers and would spoil other providers' prompts. */
const attribution = 'x-anthropic-billing-header:'

/**
 * A client's `POST /v1/messages` body. Fields this protocol alone knows (beta bodies among them: mcp_servers, container, context_management, …) are kept raw in
 * `extensions['anthropic-messages']`; which of them may be left out on the way to another protocol is for that protocol's codec to say.
 */
export const decodeRequest = (body: JsonObject): NeutralRequest => {
  const maxTokens = wholeNumber(body['max_tokens'], 'max_tokens', 0)
  const messages = array(body['messages'], 'messages').map(decodeMessage)
  if (messages.length === 0) refuse('messages', 'must hold at least one message.')
  // A continued thread sends only what is new: the calls its results answer are kept by the provider.
  if (body['thread'] === undefined) requireToolPairs(messages)
  const user = optional(body['metadata'], 'metadata', object)?.['user_id']
  return compact({
    protocol: 'anthropic-messages' as const,
    model: filled(body['model'], 'model'),
    stream: optional(body['stream'], 'stream', boolean) ?? false,
    includeUsage: true,
    system: (optional(body['system'], 'system', decodeTexts) ?? []).filter(
      (part) => !part.text.startsWith(attribution),
    ),
    messages,
    tools: decodeTools(body),
    ...decodeToolChoice(body),
    maxTokens,
    stop: optional(body['stop_sequences'], 'stop_sequences', (list, path) =>
      array(list, path).map((text, index) => filled(text, `${path}[${index}]`)),
    ),
    format: decodeFormat(body),
    reasoning: decodeReasoning(body, maxTokens),
    temperature: optional(body['temperature'], 'temperature', (value, path) => number(value, path, 0, 1)),
    topP: optional(body['top_p'], 'top_p', (value, path) => number(value, path, 0, 1)),
    topK: optional(body['top_k'], 'top_k', (value, path) => wholeNumber(value, path, 0)),
    user: optional(user, 'metadata.user_id', string),
    serviceTier: decodeTier(body),
    extensions: decodeExtensions(body),
  })
}

const decodeMessage = (value: NonNullable<JsonObject[string]> | null, index: number): NeutralMessage => {
  const path = `messages[${index}]`
  const message = object(value, path)
  const role = oneOf(message['role'], `${path}.role`, ['user', 'assistant', 'system'])
  const parts = decodeContent(message['content'], `${path}.content`)
  for (const part of parts) {
    const at = part.path ?? path
    if (part.type === 'tool-call' && role !== 'assistant') refuse(at, 'only the assistant calls tools.')
    if (part.type === 'tool-result' && role !== 'user') refuse(at, 'results of tools belong into user messages.')
    if (part.type === 'thinking' && role !== 'assistant') refuse(at, 'only the assistant thinks.')
    if (role === 'system' && part.type !== 'text' && part.type !== 'opaque')
      refuse(at, 'a system message holds text only.')
  }
  return compact({ role, parts, path, extensions: leftover(message, messageFields) })
}

const decodeFormat = (body: JsonObject): OutputFormat | undefined => {
  const config = optional(body['output_config'], 'output_config', object)
  // `output_format` is the beta's name of the same thing.
  const path = config?.['format'] == null ? 'output_format' : 'output_config.format'
  const format = optional(config?.['format'] ?? body['output_format'], path, object)
  if (!format) return undefined
  oneOf(format['type'], `${path}.type`, ['json_schema'])
  return { type: 'schema', schema: object(format['schema'], `${path}.schema`) }
}

const decodeReasoning = (body: JsonObject, maxTokens: number): Reasoning | undefined => {
  const config = optional(body['output_config'], 'output_config', object)
  const effort = optional(config?.['effort'], 'output_config.effort', (value, path) =>
    oneOf(value, path, ['low', 'medium', 'high', 'xhigh', 'max']),
  )
  const thinking = optional(body['thinking'], 'thinking', object)
  if (!thinking) return effort ? { effort } : undefined
  const display = optional(thinking['display'], 'thinking.display', (value, path) =>
    oneOf(value, path, ['summarized', 'omitted']),
  )
  const type = oneOf(thinking['type'], 'thinking.type', ['enabled', 'adaptive', 'between_tools', 'disabled'])
  if (type !== 'enabled') {
    return compact({ mode: type === 'disabled' ? ('off' as const) : ('adaptive' as const), effort, display })
  }
  const path = 'thinking.budget_tokens'
  const budgetTokens = optional(thinking['budget_tokens'], path, (value, at) => wholeNumber(value, at, 1024))
  if (budgetTokens !== undefined && budgetTokens >= maxTokens) refuse(path, 'must be less than max_tokens.')
  return compact({ mode: 'on' as const, effort, budgetTokens, display })
}

/** `standard_only` means what others call `default`: no priority capacity. */
const decodeTier = (body: JsonObject): string | undefined => {
  const tier = optional(body['service_tier'], 'service_tier', (value, path) =>
    oneOf(value, path, ['auto', 'standard_only']),
  )
  return tier === 'standard_only' ? 'default' : tier
}

const decodeExtensions = (body: JsonObject): NeutralRequest['extensions'] => {
  const extra = leftover(body, known)?.['anthropic-messages'] ?? {}
  const keep = (field: string, fields: ReadonlySet<string>): void => {
    const value = body[field]
    const rest = isObject(value) && leftover(value, fields)
    if (rest) extra[field] = rest['anthropic-messages']!
  }
  keep('output_config', outputFields)
  keep('metadata', metadataFields)
  if (isObject(body['thinking']) && body['thinking']['type'] === 'between_tools') extra['thinking'] = body['thinking']
  return Object.keys(extra).length > 0 ? { 'anthropic-messages': extra } : undefined
}
