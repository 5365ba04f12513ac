import { estimateTokens } from '../pricing/estimate.ts'
import type { JsonValue } from '../protocols/neutral/index.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { isObject, refuse } from '../protocols/read.ts'
import { type Endpoint, UnreadableAnswer } from './endpoint.ts'
import { scanBody, sideFacts, valueOf } from './side/facts.ts'
import { notOffered, offers } from './side/offers.ts'
import { passRoad } from './side/pass.ts'
import { finished, reportedUsage, usageOf } from './side/usage.ts'

/** The model of a request that names none, as OpenAI has it: a shadow model of this name answers. */
const defaultModel = 'omni-moderation-latest'

/** OpenAI's `POST /v1/moderations`. Its answers tell no usage, so that a price of tokens is charged by our own count. */
export const moderations: Endpoint = {
  id: 'moderations',
  errors: openaiChat,
  inspect(body, place) {
    const scanned = scanBody(body)
    const { images } = sizeOf(valueOf(scanned, 'input'))
    return sideFacts(scanned, { model: defaultModel, ...place }, { remoteParts: images })
  },
  road(options) {
    if (!offers(options.target, 'moderations')) throw notOffered(options.target, 'moderations')
    const { chars } = sizeOf(valueOf(options.facts.scanned, 'input'))
    return passRoad(options, '/moderations', (answer) => {
      if (!Array.isArray(answer.read('results'))) throw new UnreadableAnswer('there are no results')
      return finished(reportedUsage(answer.read('usage')), () => usageOf(Math.max(1, estimateTokens(chars))))
    })
  },
}

interface Size {
  readonly chars: number
  readonly images: number
}

const sizeOf = (input: JsonValue | undefined): Size => {
  if (input === undefined) return refuse('input', 'is required.')
  if (typeof input === 'string') return { chars: input.length, images: 0 }
  if (!Array.isArray(input) || input.length === 0)
    return refuse('input', 'must be a string or a list of texts or parts.')
  let chars = 0
  let images = 0
  for (const [index, item] of input.entries()) {
    if (typeof item === 'string') chars += item.length
    else if (isObject(item) && typeof item['text'] === 'string') chars += item['text'].length
    else if (isObject(item) && item['type'] === 'image_url') images++
    else refuse(`input[${index}]`, 'must be a text, or a part of type "text" or "image_url".')
  }
  return { chars, images }
}
