import type { JsonObject, NeutralRequest } from '../neutral/index.ts'
import type { Place } from '../protocol.ts'
import { compact, filled, object, optional, rest } from '../read.ts'
import { requireToolPairs } from '../tool-pairs.ts'
import { camelCased } from './camel-case.ts'
import { decodeContents, decodeSystem } from './decode-contents.ts'
import { decodeGeneration } from './decode-generation.ts'
import { decodeToolConfig, decodeTools } from './decode-tools.ts'
import { modelOf } from './inspect.ts'
import { items } from './read.ts'

const known = new Set([
  'model',
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'generationConfig',
  'serviceTier',
])

/**
 * A client's generateContent body, in camelCase or snake_case. What the neutral form has no place for is kept in `extensions.gemini` under its path
 * (`safetySettings`, `generationConfig.speechConfig`); which of it may be left out on the way to another protocol is told by meaningful-fields.ts.
 */
export const decodeRequest = (given: JsonObject, place: Place = {}): NeutralRequest => {
  const body = camelCased(given)
  const messages = decodeContents(body['contents'])
  requireToolPairs(messages)
  const tools = decodeTools(body['tools'])
  for (const [setting, path] of items(body['safetySettings'], 'safetySettings')) object(setting, path)
  const { generation, extra } = decodeGeneration(body['generationConfig'])
  const { toolChoice, extra: toolExtra } = decodeToolConfig(body['toolConfig'], tools)
  const own = { ...said(rest(body, known)), ...extra, ...toolExtra }
  return compact({
    protocol: 'gemini' as const,
    model: modelOf(place),
    stream: place.stream ?? false,
    includeUsage: true,
    system: decodeSystem(body['systemInstruction']),
    messages,
    tools,
    toolChoice,
    ...generation,
    serviceTier: optional(body['serviceTier'], 'serviceTier', (value, path) => tierOf(filled(value, path))),
    extensions: Object.keys(own).length > 0 ? { gemini: own } : undefined,
  })
}

/** Empty lists say nothing. */
const said = (fields: JsonObject | undefined): JsonObject =>
  Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => !Array.isArray(value) || value.length > 0))

const tierOf = (tier: string): string | undefined => {
  const name = tier.toLowerCase().replace(/^service_tier_/, '')
  if (name === 'unspecified') return undefined
  return name === 'standard' ? 'default' : name
}
