import { estimateTokens } from '../pricing/estimate.ts'
import type { ScannedObject } from '../protocols/json-scan.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { isObject } from '../protocols/read.ts'
import type { RequestFacts } from '../protocols/protocol.ts'
import { type Endpoint, UnreadableAnswer } from './endpoint.ts'
import { scanBody, sideFacts, streamOf, textOf, valueOf, wholeOf } from './side/facts.ts'
import { notOffered, offers } from './side/offers.ts'
import { passRoad } from './side/pass.ts'
import { SideTap } from './side/tap.ts'
import { finished, reportedUsage, usageOf } from './side/usage.ts'

/**
 * Output tokens of one image, as OpenAI counts them (https://platform.openai.com/docs/guides/image-generation#cost-and-latency): 1056 for a square one of medium quality,
 * charged where a provider tells no usage; 6240 for the dearest of the usual sizes, held for each; 4160 for 1024 × 1024 of high quality, one for each 252 pixels; 100 for each
 * preview of a stream.
 */
const usualTokens = 1056
const mostTokens = 6240
const pixelsPerToken = 250
const previewTokens = 100
/** Input tokens of one image of high fidelity at most (same page). */
const inputImageTokens = 6500
const maxImages = 10
/** Images that an edit may have (https://platform.openai.com/docs/api-reference/images/createEdit). */
const mostInputImages = 16

const imageEndpoint = (id: string, path: string, more: Pick<Endpoint, 'uploads'> = {}): Endpoint => ({
  id,
  errors: openaiChat,
  ...more,
  inspect(body, place) {
    const scanned = scanBody(body)
    if (id !== 'image-variations') textOf(scanned, 'prompt')
    return imageFacts(scanned, place, place.uploadBytes === undefined ? imagesIn(scanned) : mostInputImages)
  },
  road(options) {
    const { target, facts, shadowModel } = options
    if (!offers(target, id === 'image-variations' ? 'image variations' : 'images')) throw notOffered(target, id)
    const input = Math.max(1, estimateTokens(promptLength(facts.scanned)))
    const ours = (images: number) => usageOf(input, images * usualTokens)
    const road = passRoad(options, path, (answer) => {
      const data = answer.read('data')
      if (!Array.isArray(data)) throw new UnreadableAnswer('there is no data')
      return finished(reportedUsage(answer.read('usage')), () => ours(data.length))
    })
    return {
      ...road,
      ...(options.place.uploadBytes !== undefined && { upload: { model: target.model } }),
      stream: () =>
        new SideTap({
          model: shadowModel,
          ends: /^image_\w+\.completed$/,
          count: facts.choices,
          // A preview is something delivered: an estimate of a cut stream counts it as its tokens.
          chars: (frame) => (frame.includes('partial_image') ? previewTokens * 4 : 0),
          ours: () => ours(facts.choices),
        }),
    }
  },
})

const promptLength = (scanned: ScannedObject): number => {
  const prompt = valueOf(scanned, 'prompt')
  return typeof prompt === 'string' ? prompt.length : 0
}

/** Facts of a request for images, whatever its body is made of. */
const imageFacts = (
  scanned: ScannedObject,
  place: Parameters<typeof sideFacts>[1],
  inputImages: number,
): RequestFacts => {
  const previews = wholeOf(scanned, 'partial_images', 0, 16) ?? 0
  return sideFacts(scanned, place, {
    stream: streamOf(scanned),
    choices: wholeOf(scanned, 'n', 1, maxImages) ?? 1,
    maxTokens: Math.max(mostTokens, pixelsIn(scanned) / pixelsPerToken) + previews * previewTokens,
    promptBound: scanned.bytes.length + inputImages * inputImageTokens,
  })
}

const pixelsIn = (scanned: ScannedObject): number => {
  const size = valueOf(scanned, 'size')
  const [, width, height] = typeof size === 'string' ? (/^(\d{1,5})x(\d{1,5})$/.exec(size) ?? []) : []
  return Math.ceil((Number(width ?? 0) * Number(height ?? 0)) / pixelsPerToken) * pixelsPerToken
}

/** `images: [{image_url}]`, or xAI's single `image`. */
const imagesIn = (scanned: ScannedObject): number => {
  const images = valueOf(scanned, 'images')
  return (Array.isArray(images) ? images.length : 0) + (isObject(valueOf(scanned, 'image')) ? 1 : 0)
}

/** OpenAI's `POST /v1/images/generations`: whole, or as a stream of previews. */
export const imageGenerations = imageEndpoint('image-generations', '/images/generations')

/** `POST /v1/images/edits`: an upload, or a JSON body that points to its images. */
export const imageEdits = imageEndpoint('image-edits', '/images/edits', { uploads: 'too' })

/** `POST /v1/images/variations`: an upload of one image, without words. */
export const imageVariations = imageEndpoint('image-variations', '/images/variations', { uploads: 'only' })
