import type { Block, BlockStart, OpaquePart } from './neutral/index.ts'
import { isObject } from './read.ts'

/** A picture, a recording or a film that a model made, in base64. */
export interface MadeMedia {
  readonly mediaType: string
  readonly data: string
}

/** What a part of an answer shows, in whichever protocol: Gemini's `inlineData`, Responses' `image_generation_call`. Drafts among a model's thoughts are none. */
export const mediaOf = ({ protocol, value }: OpaquePart): MadeMedia | undefined => {
  if (protocol === 'gemini' && isObject(value['inlineData']) && value['thought'] !== true) {
    const { mimeType, data } = value['inlineData']
    if (typeof mimeType === 'string' && typeof data === 'string' && data !== '') return { mediaType: mimeType, data }
  }
  if (protocol === 'openai-responses' && value['type'] === 'image_generation_call') {
    const { result, output_format: format } = value
    if (typeof result === 'string' && result !== '')
      return { mediaType: `image/${typeof format === 'string' ? format : 'png'}`, data: result }
  }
  return undefined
}

/** The picture that a block is; undefined for anything else. */
export const imageOf = (block: Block | BlockStart): MadeMedia | undefined => {
  const media = block.kind === 'opaque' ? mediaOf(block.part) : undefined
  return media?.mediaType.startsWith('image/') ? media : undefined
}

const namesOf = (lost: readonly MadeMedia[]): string =>
  [...new Set(lost.map(({ mediaType }) => mediaType.slice(0, 64)))].join(', ')

/** Stands in an answer for what its protocol has no place for: in a stream nothing else can tell it. */
export const leftOut = (lost: readonly MadeMedia[]): string =>
  `[The model also made ${namesOf(lost)}, which this API cannot carry in an answer: left out.]`

/** Why an answer that is nothing else cannot be told. */
export const onlyMedia = (lost: readonly MadeMedia[]): string =>
  `The model answered with ${namesOf(lost)}, which this API cannot carry in an answer. Ask for it with another API.`
