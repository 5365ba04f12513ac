import { GatewayError } from '../../kernel/errors.ts'
import { brokenFinish } from '../encoder-failure.ts'
import type { Block, Finish, JsonObject, NeutralResponse } from '../neutral/index.ts'
import { imageOf, leftOut, type MadeMedia, mediaOf, onlyMedia } from '../made-media.ts'
import { isSealed } from '../sealed.ts'
import type { EncodeOptions } from '../protocol.ts'
import { encodeFinish } from './finish.ts'
import { answerId, callId } from './ids.ts'
import { encodeCitation, encodeImage } from './read-content.ts'
import { encodeState } from './reasoning-details.ts'
import { encodeUsage } from './usage.ts'

/** The answer with every key the types know. Throws `upstream_error` for an end that must not look like one. */
export const encodeResponse = (response: NeutralResponse, options: EncodeOptions): JsonObject => ({
  id: answerId(response.id),
  object: 'chat.completion',
  created: response.created ?? options.created,
  model: options.model,
  choices: response.choices.map(({ blocks, finish }, index) => ({
    index,
    message: encodeMessage(blocks, finish),
    logprobs: null,
    finish_reason: finishReason(finish),
  })),
  ...(response.usage && { usage: encodeUsage(response.usage) }),
  system_fingerprint: null,
})

const finishReason = (finish: Finish): string => {
  const reason = encodeFinish(finish)
  if (reason === undefined) throw new GatewayError('upstream_error', brokenFinish(finish))
  return reason
}

const encodeMessage = (blocks: readonly Block[], finish: Finish): JsonObject => {
  let content = ''
  let refusal = ''
  let reasoning = ''
  const annotations: JsonObject[] = []
  const calls: JsonObject[] = []
  const states: JsonObject[] = []
  const images: JsonObject[] = []
  const lost: MadeMedia[] = []
  for (const [position, block] of blocks.entries()) {
    switch (block.kind) {
      case 'text':
        content += block.text
        annotations.push(...(block.citations ?? []).map(encodeCitation).filter((cited) => cited !== undefined))
        break
      case 'refusal':
        refusal += block.text
        break
      case 'thinking':
        reasoning += block.text
        if (block.signature !== undefined && isSealed(block.signature)) {
          const next = blocks[position + 1]
          const call = next?.kind === 'tool-call' ? callId(next.id) : null
          states.push(encodeState(block.signature, states.length, call))
        }
        break
      case 'tool-call':
        calls.push({
          id: callId(block.id),
          ...(block.custom
            ? { type: 'custom', custom: { name: block.name, input: block.arguments } }
            : { type: 'function', function: { name: block.name, arguments: block.arguments || '{}' } }),
        })
        break
      case 'opaque': {
        const media = mediaOf(block.part)
        if (media) {
          const image = imageOf(block)
          if (image) images.push(encodeImage(image, images.length))
          else lost.push(media)
        }
        // What another protocol's provider ran by itself (searches and the like) has no place here; its outcome is in the text.
        if (block.part.protocol === 'openai-chat') calls.push(block.part.value['tool_call'] as JsonObject)
        break
      }
    }
  }
  if (lost.length > 0) {
    if (content === '' && refusal === '' && calls.length + images.length === 0)
      throw new GatewayError('upstream_error', onlyMedia(lost), { retry: false })
    content += (content === '' ? '' : '\n\n') + leftOut(lost)
  }
  refusal ||= (finish.reason === 'refusal' && finish.explanation) || ''
  return {
    role: 'assistant',
    content: content === '' && (calls.length > 0 || refusal !== '') ? null : content,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(states.length > 0 && { reasoning_details: states }),
    refusal: refusal === '' ? null : refusal,
    annotations,
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}
