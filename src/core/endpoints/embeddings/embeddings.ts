import { anyValues, removeFields, scanObject, type ScannedObject } from '../../protocols/json-scan.ts'
import { openaiChat } from '../../protocols/openai-chat/index.ts'
import type { Observed } from '../../protocols/protocol.ts'
import { refuse } from '../../protocols/read.ts'
import type { Endpoint } from '../endpoint.ts'
import { UnreadableAnswer } from '../endpoint.ts'
import { scanBody, sideFacts, valueOf } from '../side/facts.ts'
import { notOffered, offers } from '../side/offers.ts'
import { type Answer, asObject, passRoad } from '../side/pass.ts'
import { finished, reportedUsage, usageOf } from '../side/usage.ts'
import { estimateInputs, dimensionsOf, readInputs } from './request.ts'
import { convertVectors } from './convert.ts'
import { geminiRoad, hasGeminiEmbeddings } from './to-gemini.ts'

/**
 * OpenAI's `POST /v1/embeddings`. The client gets its vectors in the format it asked for, whichever the provider answers with: SDKs ask for base64 on their own and
 * read numbers they did not expect as vectors of a quarter of their width.
 */
export const embeddings: Endpoint = {
  id: 'embeddings',
  errors: openaiChat,
  inspect(body, place) {
    const scanned = scanBody(body)
    readInputs(scanned)
    dimensionsOf(scanned)
    formatOf(scanned)
    return sideFacts(scanned, place)
  },
  road(options) {
    const { target, facts } = options
    const { scanned } = facts
    const count = readInputs(scanned).length
    if (!offers(target, 'embeddings')) {
      if (hasGeminiEmbeddings(target)) return geminiRoad(options)
      throw notOffered(target, 'embeddings')
    }
    const format = formatOf(scanned)
    const isOurs = format === 'float' || format === 'base64'
    if (!isOurs && takesBase64.has(target.kind.id)) refuse('encoding_format', 'must be "float" or "base64".')
    const left = isOurs && !takesBase64.has(target.kind.id) ? removeFields(scanned, ['encoding_format']) : []
    const observe = (answer: Answer): Observed => {
      if (!hasData(answer.scanned)) throw new UnreadableAnswer('there is no data')
      const reported = reportedUsage(asObject(answer.read('usage')))
      return finished(reported && usageOf(inputOf(reported)), () => usageOf(estimateInputs(readInputs(scanned))))
    }
    const road = passRoad(options, '/embeddings', observe, left)
    return {
      ...road,
      unary(body, contentType) {
        const answer = road.unary(body, contentType)
        if (answer.observed.failure) return answer
        const { found } = scanObject(answer.body, ['embedding'], anyValues)
        if (found.length !== count) throw new UnreadableAnswer('there is not one vector for each input')
        // Other formats are the provider's own and pass as they are.
        if (!isOurs) return answer
        return { ...answer, body: convertVectors(answer.body, found[0], format, dimensionsOf(scanned)) }
      },
    }
  },
}

const formatOf = (scanned: ScannedObject): string => {
  const format = valueOf(scanned, 'encoding_format') ?? 'float'
  return typeof format === 'string' ? format : refuse('encoding_format', 'must be "float" or "base64".')
}

/**
 * Kinds that are asked for base64 when the client asks for it. Of the others some refuse it, some ignore it and some answer with nothing, so that they are asked for
 * what every server has: no word of a format, which is numbers.
 */
const takesBase64 = new Set(['openai', 'azure-openai', 'simulated'])

/** A list with something in it, told by its first bytes: it may hold millions of numbers. */
const hasData = ({ bytes, fields }: ScannedObject): boolean => {
  const data = fields.get('data')
  if (!data || bytes[data.valueStart] !== 0x5b) return false
  let at = data.valueStart + 1
  while (bytes[at]! <= 0x20) at++
  return bytes[at] !== 0x5d
}

/** Some servers count the answer as output, or only tell a total. */
const inputOf = ({ input, output }: ReturnType<typeof usageOf>): number =>
  input.uncached + input.cacheRead > 0 ? input.uncached + input.cacheRead : output.visible
