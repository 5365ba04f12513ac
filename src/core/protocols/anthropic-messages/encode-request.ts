import { fieldName } from '../client-fields.ts'
import { sha256 } from '../../kernel/secrets.ts'
import type { JsonObject, NeutralRequest, Warning } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { encodeText } from './encode-content.ts'
import { encodeMessages } from './encode-messages.ts'
import { encodeReasoning } from './encode-reasoning.ts'
import { encodeTools } from './encode-tools.ts'
import { isObject, refuse } from './read.ts'
import { refuseForeign, Warnings } from './refusals.ts'
import { requireToolPairs } from '../tool-pairs.ts'

const maxCacheMarks = 4

export const encodeRequest = (
  request: NeutralRequest,
  options: EncodeRequestOptions,
): { readonly body: JsonObject; readonly warnings: readonly Warning[] } => {
  const warnings = new Warnings(request.protocol)
  const restore = request.protocol === 'anthropic-messages'
  refuseForeign(request, warnings)
  // A continued thread sends only what is new: the calls its results answer are kept by the provider.
  if (request.extensions?.['anthropic-messages']?.['thread'] === undefined) requireToolPairs(request.messages)
  const maxTokens = limit(request, options, warnings)
  const system = request.system.map(encodeText).filter((block) => block !== undefined)
  for (const [index, part] of request.system.entries())
    warnings.extensions(part.path ?? `system[${index}]`, part.extensions)
  const body: JsonObject = {
    model: options.model,
    max_tokens: maxTokens,
    ...(system.length > 0 && { system: plain(system) }),
    messages: encodeMessages(request.messages, restore, warnings),
    ...encodeTools(request, options, warnings),
    ...encodeReasoning(request, options.model, maxTokens, warnings),
    ...encodeStops(request),
    ...encodeUser(request, warnings),
    ...encodeTier(request, warnings),
    ...(request.stream && { stream: true }),
  }
  restoreOwn(body, request.extensions?.['anthropic-messages'])
  keepLastMarks(body, warnings)
  return { body, warnings: warnings.list }
}

const limit = (request: NeutralRequest, options: EncodeRequestOptions, warnings: Warnings): number => {
  if (request.maxTokens === undefined && options.maxTokens === undefined) {
    warnings.changed(
      fieldName(request, 'maxTokens'),
      `the Messages API needs a limit; ${options.defaultMaxTokens} is sent`,
    )
    return options.defaultMaxTokens
  }
  return Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, options.maxTokens ?? Number.POSITIVE_INFINITY)
}

/** One text without marks is sent as a plain string, which every compatible server reads. */
const plain = (system: JsonObject[]): JsonObject[] | string => {
  const [only, ...more] = system
  return only && more.length === 0 && Object.keys(only).length === 2 ? (only['text'] as string) : system
}

const encodeStops = (request: NeutralRequest): JsonObject => {
  const stops = request.stop ?? []
  for (const [index, stop] of stops.entries())
    if (stop.trim() === '') refuse(`${fieldName(request, 'stop')}[${index}]`, 'must not be only white space.')
  return stops.length > 0 ? { stop_sequences: [...stops] } : {}
}

/** The id of the end user, by either name that OpenAI has for it. An address of a person is not sent on: its hash serves as well to tell users apart. */
const encodeUser = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const safety = safetyIdentifier(request)
  const user = request.user ?? safety
  if (user === undefined) return {}
  if (safety !== undefined && safety !== user)
    warnings.dropped('safety_identifier', 'the Messages API takes one id of the user')
  if (!user.includes('@')) return { metadata: { user_id: user } }
  const path = request.user === undefined ? 'safety_identifier' : fieldName(request, 'user')
  warnings.changed(path, 'an e-mail address is sent as its hash')
  return { metadata: { user_id: sha256(user) } }
}

const safetyIdentifier = ({ extensions }: NeutralRequest): string | undefined => {
  const told =
    extensions?.['openai-responses']?.['safety_identifier'] ?? extensions?.['openai-chat']?.['safety_identifier']
  return typeof told === 'string' && told !== '' ? told : undefined
}

const encodeTier = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const { serviceTier } = request
  if (serviceTier === undefined) return {}
  if (serviceTier === 'auto') return { service_tier: 'auto' }
  if (serviceTier === 'default') return { service_tier: 'standard_only' }
  warnings.dropped(fieldName(request, 'serviceTier'), `the Messages API has no tier "${serviceTier}"`)
  return {}
}

/** Puts back what this protocol's own client sent and the neutral form has no place for. */
const restoreOwn = (body: JsonObject, own: JsonObject | undefined): void => {
  for (const [field, value] of Object.entries(own ?? {})) {
    const there = body[field]
    body[field] = isObject(there) && isObject(value) ? { ...value, ...there } : value
  }
}

/** The API takes at most four cache marks; the last ones cover most. */
const keepLastMarks = (body: JsonObject, warnings: Warnings): void => {
  const marked: JsonObject[] = []
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(collect)
    const block = value as JsonObject
    if (typeof value !== 'object' || value === null) return
    if (block['cache_control']) marked.push(block)
    if (block['type'] === 'tool_result') collect(block['content'])
  }
  // In the order in which the API builds the cached prefix: tools, system, messages.
  collect(body['tools'])
  collect(body['system'])
  for (const message of body['messages'] as JsonObject[]) collect(message['content'])
  const most = body['cache_control'] ? maxCacheMarks - 1 : maxCacheMarks
  if (marked.length <= most) return
  for (const block of marked.slice(0, marked.length - most)) delete block['cache_control']
  warnings.dropped('cache_control', `only the last ${most} cache marks are sent`)
}
