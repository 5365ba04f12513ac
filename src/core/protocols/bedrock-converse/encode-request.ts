import { fieldName } from '../client-fields.ts'
import type { JsonObject, JsonValue, NeutralRequest, Warning } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { compact, refuse } from '../read.ts'
import { requireToolPairs } from '../tool-pairs.ts'
import { append } from '../turns.ts'
import { cachePoint, encodeText, type Encoding } from './encode-content.ts'
import { encodeMessages } from './encode-messages.ts'
import { encodeReasoning } from './encode-reasoning.ts'
import { encodeTools } from './encode-tools.ts'
import { cachesPrompts } from './models.ts'
import { refuseForeign, Warnings } from './refusals.ts'

const mostCachePoints = 4

/** A body for Converse and ConverseStream; model and stream are in the path (reference: Bedrock Runtime API, Converse). */
export const encodeRequest = (
  request: NeutralRequest,
  options: EncodeRequestOptions,
): { readonly body: JsonObject; readonly warnings: readonly Warning[] } => {
  const warnings = new Warnings(request.protocol)
  const encoding: Encoding = { warnings, caches: cachesPrompts(options.model), documentNames: new Map() }
  refuseForeign(request, warnings)
  requireToolPairs(request.messages)
  const most = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, options.maxTokens ?? Number.POSITIVE_INFINITY)
  const maxTokens = most < Number.POSITIVE_INFINITY ? most : undefined
  const reasoning = encodeReasoning(request, options.model, maxTokens, warnings)
  const inference = encodeInference(request, maxTokens, 'thinking' in reasoning, warnings)
  const system = encodeSystem(request, encoding)
  const body: JsonObject = {
    messages: encodeMessages(request.messages, encoding),
    ...(system.length > 0 && { system }),
    ...(Object.keys(inference).length > 0 && { inferenceConfig: inference }),
    ...encodeTools(request, options, encoding),
    ...encodeFormat(request),
    ...(Object.keys(reasoning).length > 0 && { additionalModelRequestFields: reasoning }),
    ...encodeTier(request, warnings),
  }
  keepLastPoints(body, warnings)
  return { body, warnings: warnings.list }
}

const encodeSystem = (request: NeutralRequest, encoding: Encoding): JsonObject[] =>
  request.system.flatMap((part, index) => {
    const path = part.path ?? `system[${index}]`
    encoding.warnings.extensions(path, part.extensions)
    const block = encodeText(part)
    return block ? [block, ...cachePoint(part.cache, path, encoding)] : []
  })

/** `thinking`: Claude fixes its sampling while it thinks. */
const encodeInference = (
  request: NeutralRequest,
  maxTokens: number | undefined,
  thinking: boolean,
  warnings: Warnings,
): JsonObject => {
  const { temperature, topP, stop = [] } = request
  for (const [index, text] of stop.entries())
    if (text.trim() === '') refuse(`${fieldName(request, 'stop')}[${index}]`, 'must not be only white space.')
  const blocked = thinking && temperature !== undefined && temperature !== 1
  if (blocked) warnings.dropped(fieldName(request, 'temperature'), 'not allowed together with thinking')
  else if (temperature !== undefined && temperature > 1)
    warnings.changed(fieldName(request, 'temperature'), 'the Converse API allows at most 1')
  return compact({
    maxTokens,
    temperature: temperature === undefined || blocked ? undefined : Math.min(temperature, 1),
    topP,
    stopSequences: stop.length > 0 ? [...stop] : undefined,
  })
}

const encodeFormat = ({ format }: NeutralRequest): JsonObject => {
  if (format?.type !== 'schema') return {}
  const { schema, name, description } = format
  const jsonSchema = compact({ schema: JSON.stringify(schema), name, description })
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } }
}

const tiers = new Set(['default', 'priority', 'flex'])

const encodeTier = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const { serviceTier } = request
  if (serviceTier === undefined || serviceTier === 'auto') return {}
  if (tiers.has(serviceTier)) return { serviceTier: { type: serviceTier } }
  if (serviceTier === 'standard_only') return { serviceTier: { type: 'default' } }
  warnings.dropped(fieldName(request, 'serviceTier'), `the Converse API has no tier "${serviceTier}"`)
  return {}
}

/** The API takes at most four cache points; the last ones cover most. In the order in which the cached prefix is built: tools, system, messages. */
const keepLastPoints = (body: JsonObject, warnings: Warnings): void => {
  const lists = [
    (body['toolConfig'] as { tools: JsonValue } | undefined)?.tools,
    body['system'],
    ...(body['messages'] as JsonObject[]).map(({ content }) => content),
  ].filter((list) => Array.isArray(list))
  let excess = lists.flat().filter(isPoint).length - mostCachePoints
  if (excess <= 0) return
  for (const list of lists) {
    if (excess <= 0) break
    const kept = list.filter((block) => !isPoint(block) || excess-- <= 0)
    list.length = 0
    append(list, kept)
  }
  warnings.dropped('cache_control', `only the last ${mostCachePoints} cache marks are sent`)
}

const isPoint = (block: JsonValue): boolean => typeof block === 'object' && block !== null && 'cachePoint' in block
