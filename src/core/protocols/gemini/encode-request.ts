import { fieldName } from '../client-fields.ts'
import type { JsonObject, NeutralRequest, Warning } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { isObject } from '../read.ts'
import { encodeContents } from './encode-contents.ts'
import { encodeGeneration } from './encode-generation.ts'
import { encodePart } from './encode-parts.ts'
import { encodeTools } from './encode-tools.ts'
import { traitsOf } from './model-name.ts'
import { refuseForeign, Warnings } from './refusals.ts'

/** The body of generateContent and streamGenerateContent alike: model and streaming are told by the path. */
export const encodeRequest = (
  request: NeutralRequest,
  options: EncodeRequestOptions,
): { readonly body: JsonObject; readonly warnings: readonly Warning[] } => {
  const warnings = new Warnings(request.protocol)
  const traits = traitsOf(options.model)
  refuseForeign(request, warnings)
  const body: JsonObject = {
    ...encodeSystem(request, warnings),
    contents: encodeContents(request, traits, warnings),
    ...encodeTools(request, options, traits, warnings),
    ...encodeGeneration(request, options, traits, warnings),
    ...encodeTier(request, warnings),
  }
  for (const [path, value] of Object.entries(request.extensions?.gemini ?? {})) restore(body, path, value)
  return { body, warnings: warnings.list }
}

const encodeSystem = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const parts: JsonObject[] = []
  for (const [index, part] of request.system.entries()) {
    const path = part.path ?? `system[${index}]`
    warnings.extensions(path, part.extensions)
    if (part.cache) warnings.droppedOf(path, 'cache', 'prompts are cached without marks')
    const encoded = encodePart(part, path, { restore: request.protocol === 'gemini', warnings })
    if (encoded) parts.push(encoded)
  }
  return parts.length > 0 ? { systemInstruction: { parts } } : {}
}

const encodeTier = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const { serviceTier: tier } = request
  if (tier === undefined || tier === 'auto') return {}
  if (tier === 'default') return { serviceTier: 'standard' }
  if (tier === 'flex' || tier === 'priority' || request.protocol === 'gemini') return { serviceTier: tier }
  warnings.dropped(fieldName(request, 'serviceTier'), `the Gemini API has no tier "${tier}"`)
  return {}
}

const nested = /^(?:generationConfig|toolConfig)\./

/** Puts back what this protocol's own client sent and the neutral form has no place for, under the path it was kept by. */
const restore = (body: JsonObject, path: string, value: JsonObject[string]): void => {
  const steps = nested.test(path) ? path.split('.') : [path]
  let at = body
  for (const step of steps.slice(0, -1)) {
    const inner = at[step]
    const next = isObject(inner) ? inner : {}
    at[step] = next
    at = next
  }
  at[steps.at(-1)!] = value
}
