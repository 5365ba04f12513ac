import { sha256 } from '../../kernel/secrets.ts'
import { fieldName } from '../client-fields.ts'
import { effortOf, leastEffort, neverReasons } from '../effort.ts'
import type {
  Effort,
  JsonObject,
  JsonValue,
  NeutralRequest,
  OutputFormat,
  Reasoning,
  Warning,
} from '../neutral/index.ts'
import { fitsStrict } from '../openai-chat/strict-schema.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { compact } from '../read.ts'
import { encodeItems } from './encode-items.ts'
import { encodeTools } from './encode-tools.ts'
import { refuseForeign, sharedFields, Warnings } from './refusals.ts'

/** The least that the API takes as `max_output_tokens`. */
const leastOutput = 16
const maxUserLength = 64
const tiers = new Set(['auto', 'default', 'flex', 'scale', 'priority', 'fast'])
const encryptedReasoning = 'reasoning.encrypted_content'

/**
 * Nothing is kept at the provider (`store: false`): all users share its account, and every request holds the whole conversation. Reasoning comes back encrypted, for the
 * client to carry.
 */
export const encodeRequest = (
  request: NeutralRequest,
  options: EncodeRequestOptions,
): { readonly body: JsonObject; readonly warnings: readonly Warning[] } => {
  const warnings = new Warnings(request.protocol)
  refuseForeign(request, warnings)
  const { text, reasoning, top } = nested(request.extensions?.['openai-responses'] ?? {})
  const { include, ...own } = top
  const body: JsonObject = {
    model: options.model,
    ...encodeItems(request, warnings),
    ...encodeTools(request, options, warnings),
    ...compact({
      max_output_tokens: encodeLimit(request, options, warnings),
      temperature: request.temperature,
      top_p: request.topP,
      text: filled({ ...encodeText(request, warnings), ...text }),
      reasoning: filled({
        ...(request.reasoning && encodeReasoning(request, request.reasoning, options.model, warnings)),
        ...reasoning,
      }),
      ...encodeUser(request, warnings),
      metadata: request.metadata,
      service_tier: encodeTier(request, warnings),
    }),
    store: false,
    ...encodeInclude(options.model, include),
    ...(request.stream && { stream: true }),
    ...sharedFields(request),
    ...own,
  }
  return { body, warnings: warnings.list }
}

/** What this protocol's own client sent and the neutral form has no place for, apart by where it belongs. */
const nested = (own: JsonObject) => {
  const text: JsonObject = {}
  const reasoning: JsonObject = {}
  const top: JsonObject = {}
  for (const [path, value] of Object.entries(own)) {
    if (path.startsWith('text.')) text[path.slice('text.'.length)] = value
    else if (path.startsWith('reasoning.')) reasoning[path.slice('reasoning.'.length)] = value
    else top[path] = value
  }
  return { text, reasoning, top }
}

/** Undefined for an object that holds nothing. */
const filled = (fields: JsonObject): JsonObject | undefined => (Object.keys(fields).length > 0 ? fields : undefined)

const encodeLimit = (
  request: NeutralRequest,
  { maxTokens }: EncodeRequestOptions,
  warnings: Warnings,
): number | undefined => {
  if (request.maxTokens === undefined && maxTokens === undefined) return undefined
  const limit = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, maxTokens ?? Number.POSITIVE_INFINITY)
  if (limit >= leastOutput) return limit
  warnings.changed(fieldName(request, 'maxTokens'), `the Responses API takes at least ${leastOutput}`)
  return leastOutput
}

/** Models that do not reason refuse to be asked for their encrypted reasoning. */
const encodeInclude = (model: string, others: JsonValue | undefined): JsonObject => {
  const include = neverReasons.test(model) ? [] : [encryptedReasoning]
  if (Array.isArray(others)) include.push(...others.filter((name) => typeof name === 'string'))
  return include.length > 0 ? { include } : {}
}

const encodeText = (request: NeutralRequest, warnings: Warnings): JsonObject =>
  compact({
    format: request.format && encodeFormat(request.format, request, warnings),
    verbosity: request.verbosity,
  })

const encodeFormat = (format: OutputFormat, request: NeutralRequest, warnings: Warnings): JsonObject => {
  if (format.type === 'text') return { type: 'text' }
  if (format.type === 'json') return { type: 'json_object' }
  const { name = 'response', description, schema } = format
  return compact({ type: 'json_schema', name, description, schema, strict: encodeStrict(format, request, warnings) })
}

/** A schema that was promised to be kept is sent as strict; OpenAI takes it so only if it names all properties as required and allows no others. */
const encodeStrict = (
  { strict, schema, path: place }: Extract<OutputFormat, { type: 'schema' }>,
  request: NeutralRequest,
  warnings: Warnings,
): boolean | undefined => {
  if (strict !== undefined || request.protocol === 'openai-chat' || request.protocol === 'openai-responses')
    return strict
  if (fitsStrict(schema)) return true
  const path = place ?? fieldName(request, 'format')
  warnings.changed(path, 'the schema is not enforced: strict mode needs every property required')
  return undefined
}

/** Models that do not reason refuse the field: thinking that is switched off is told only where the model is known to take it. */
const encodeReasoning = (
  request: NeutralRequest,
  reasoning: Reasoning,
  model: string,
  warnings: Warnings,
): JsonObject => {
  if (reasoning.mode === 'off') {
    const path = fieldName(request, 'reasoning')
    const least = leastEffort(
      model,
      request.tools.some(({ type }) => type === 'web-search'),
    )
    if (least === undefined && !neverReasons.test(model))
      warnings.dropped(path, 'models that always reason cannot be kept from it')
    else if (least !== undefined && least !== 'none')
      warnings.changed(path, `this model always reasons; "${least}" is its least`)
    return compact({ effort: least })
  }
  const effort: Effort | undefined =
    reasoning.effort ?? (reasoning.budgetTokens === undefined ? undefined : effortOf(reasoning.budgetTokens))
  return compact({ effort, summary: wantsThoughts(reasoning) ? 'auto' : undefined })
}

/** Clients that switch thinking on see it, unless they say otherwise. */
const wantsThoughts = ({ display, mode }: Reasoning): boolean =>
  display === 'summarized' || (display === undefined && (mode === 'on' || mode === 'adaptive'))

/** Servers that imitate Chat Completions have tiers of their own. */
const encodeTier = (request: NeutralRequest, warnings: Warnings): string | undefined => {
  const { protocol, serviceTier: tier } = request
  if (tier === undefined || protocol === 'openai-responses' || tiers.has(tier)) return tier
  warnings.dropped(fieldName(request, 'serviceTier'), `the Responses API has no tier "${tier}"`)
  return undefined
}

/** Ids of other protocols' users stand where the API tells users apart for safety; one that is too long is sent as its hash. */
const encodeUser = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const { protocol, user } = request
  if (user === undefined) return {}
  const field = protocol === 'openai-chat' || protocol === 'openai-responses' ? 'user' : 'safety_identifier'
  if (user.length <= maxUserLength && !(field === 'safety_identifier' && user.includes('@'))) return { [field]: user }
  if (protocol === 'openai-responses') return { [field]: user }
  warnings.changed(
    fieldName(request, 'user'),
    `an address or longer than ${maxUserLength} characters: sent as its hash`,
  )
  return { [field]: sha256(user) }
}
