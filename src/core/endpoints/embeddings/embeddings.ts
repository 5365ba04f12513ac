import { openaiChat } from '../../protocols/openai-chat/index.ts'
import type { Endpoint } from '../endpoint.ts'
import { UnreadableAnswer } from '../endpoint.ts'
import { scanBody, sideFacts, valueOf } from '../side/facts.ts'
import { notOffered, offers } from '../side/offers.ts'
import { asObject, passRoad } from '../side/pass.ts'
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
    return sideFacts(scanned, place)
  },
  road(options) {
    const { target, facts } = options
    const { scanned } = facts
    if (!offers(target, 'embeddings')) {
      if (hasGeminiEmbeddings(target)) return geminiRoad(options)
      throw notOffered(target, 'embeddings')
    }
    const format = valueOf(scanned, 'encoding_format') ?? 'float'
    const road = passRoad(options, '/embeddings', (answer) => {
      if (!Array.isArray(answer.read('data'))) throw new UnreadableAnswer('there is no data')
      const reported = reportedUsage(asObject(answer.read('usage')))
      return finished(reported && usageOf(inputOf(reported)), () => usageOf(estimateInputs(readInputs(scanned))))
    })
    // Other formats are the provider's own and pass as they are.
    if (format !== 'float' && format !== 'base64') return road
    return {
      ...road,
      unary(body, contentType) {
        const answer = road.unary(body, contentType)
        return { ...answer, body: convertVectors(answer.body, format, dimensionsOf(scanned)) }
      },
    }
  },
}

/** Some servers count the answer as output, or only tell a total. */
const inputOf = ({ input, output }: ReturnType<typeof usageOf>): number =>
  input.uncached + input.cacheRead > 0 ? input.uncached + input.cacheRead : output.visible
