import { fieldName } from '../client-fields.ts'
import type { JsonObject, NeutralRequest } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { compact } from '../read.ts'
import { encodeThinking } from './encode-thinking.ts'
import type { ModelTraits } from './model-name.ts'
import { unsupported, type Warnings } from './refusals.ts'

const maxStops = 5
const maxSeed = 2 ** 31 - 1

/** `generationConfig`; nothing when all of it is the model's default. */
export const encodeGeneration = (
  request: NeutralRequest,
  options: EncodeRequestOptions,
  traits: ModelTraits,
  warnings: Warnings,
): JsonObject => {
  const limit = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, options.maxTokens ?? Number.POSITIVE_INFINITY)
  const maxTokens = Number.isFinite(limit) ? limit : undefined
  const config = compact({
    maxOutputTokens: maxTokens,
    temperature: request.temperature,
    topP: request.topP,
    topK: encodeTopK(request),
    stopSequences: encodeStops(request),
    candidateCount: request.choices === 1 && request.protocol !== 'gemini' ? undefined : request.choices,
    seed: encodeSeed(request, warnings),
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    ...encodeFormat(request, warnings),
    mediaResolution: encodeDetail(request, warnings),
    thinkingConfig: encodeThinking(request, traits, maxTokens, warnings),
  })
  return Object.keys(config).length > 0 ? { generationConfig: config } : {}
}

/** Some servers' clients say -1 for no limit. */
const encodeTopK = ({ topK }: NeutralRequest): number | undefined => (topK !== undefined && topK > 0 ? topK : undefined)

const encodeStops = (request: NeutralRequest): string[] | undefined => {
  const stops = request.stop ?? []
  if (stops.length > maxStops && request.protocol !== 'gemini')
    unsupported(fieldName(request, 'stop'), `at most ${maxStops} are accepted`)
  return stops.length > 0 ? [...stops] : undefined
}

const encodeSeed = (request: NeutralRequest, warnings: Warnings): number | undefined => {
  if (request.seed === undefined || Math.abs(request.seed) <= maxSeed) return request.seed
  warnings.dropped(fieldName(request, 'seed'), `larger than ${maxSeed}`)
  return undefined
}

const encodeFormat = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const { format } = request
  if (!format) return {}
  if (format.type === 'text') return request.protocol === 'gemini' ? { responseMimeType: 'text/plain' } : {}
  if (format.type === 'json') return { responseMimeType: 'application/json' }
  if (format.description !== undefined)
    warnings.dropped(fieldName(request, 'format'), 'the Gemini API has no place for the description of a format')
  return { responseMimeType: 'application/json', responseJsonSchema: format.schema }
}

/** One resolution holds for a whole request (parts have their own only since Gemini 3): it is told where all images want the same. */
const encodeDetail = ({ protocol, messages }: NeutralRequest, warnings: Warnings): string | undefined => {
  if (protocol === 'gemini') return undefined
  const images = messages.flatMap(({ parts }) => parts.filter((part) => part.type === 'image'))
  const wanted = new Set(images.map(({ detail }) => detail ?? 'auto'))
  const [detail, ...more] = wanted
  if (more.length === 0)
    return detail === undefined || detail === 'auto' ? undefined : `MEDIA_RESOLUTION_${detail.toUpperCase()}`
  for (const image of images)
    if (image.detail && image.detail !== 'auto' && image.path)
      warnings.droppedOf(image.path, 'detail', 'images of one request have one resolution')
  return undefined
}
