import { GatewayError } from '../../kernel/errors.ts'
import { brokenFinish } from '../encoder-failure.ts'
import { leftOut, mediaOf, onlyMedia } from '../made-media.ts'
import type { Block, JsonObject, NeutralResponse } from '../neutral/index.ts'
import type { EncodeOptions } from '../protocol.ts'
import { encodeCitation } from './citations.ts'
import { parseArguments } from './encode-content.ts'
import { encodeFinish } from './finish.ts'
import { messageId, toolId } from './ids.ts'
import { renameFallback } from './mask.ts'
import { encodeUsage } from './usage.ts'
import { estimateUsage, textLength } from '../estimate.ts'

/**
 * The answer as a whole message with every key the types know. Only the first choice exists for this protocol's clients. Throws `upstream_error` for an end that must not
 * look like one.
 */
export const encodeResponse = (response: NeutralResponse, options: EncodeOptions): JsonObject => {
  const choice = response.choices[0]
  if (!choice) throw broken()
  const { blocks, finish } = choice
  const end = encodeFinish(
    finish,
    blocks.some((block) => block.kind === 'refusal'),
  )
  if (!end) throw new GatewayError('upstream_error', brokenFinish(finish))
  const content = blocks
    .map((block) => encodeBlock(block, finish.reason === 'length', options.model))
    .filter((block) => block !== undefined)
  const lost = blocks
    .map((block) => (block.kind === 'opaque' ? mediaOf(block.part) : undefined))
    .filter((made) => made !== undefined)
  if (lost.length > 0) {
    if (!blocks.some(says)) throw new GatewayError('upstream_error', onlyMedia(lost), { retry: false })
    content.push({ type: 'text', text: leftOut(lost), citations: null })
  }
  const delivered = blocks.reduce((sum, block) => sum + textLength(block), 0)
  return {
    id: messageId(response.id),
    type: 'message',
    role: 'assistant',
    model: options.model,
    content,
    ...end,
    container: null,
    diagnostics: null,
    ...response.extensions?.['anthropic-messages'],
    usage: encodeUsage(response.usage ?? estimateUsage(options.estimatedInputTokens, delivered)),
  }
}

const broken = (): GatewayError => new GatewayError('upstream_error', 'The model made a tool call that cannot be read.')

/** Whether it is something without the pictures beside it. */
const says = (block: Block): boolean =>
  block.kind === 'tool-call' || ((block.kind === 'text' || block.kind === 'refusal') && block.text !== '')

const encodeBlock = (block: Block, cutShort: boolean, model: string): JsonObject | undefined => {
  switch (block.kind) {
    case 'text': {
      const told = block.citations?.map((citation) => encodeCitation(citation, block.text)) ?? []
      const citations = told.filter((citation) => citation !== undefined)
      return { type: 'text', text: block.text, citations: citations.length > 0 ? citations : null }
    }
    case 'refusal':
      return { type: 'text', text: block.text, citations: null }
    case 'thinking':
      if (block.redacted === undefined)
        return { type: 'thinking', thinking: block.text, signature: block.signature ?? '' }
      return block.signedBy === 'anthropic-messages' ? { type: 'redacted_thinking', data: block.redacted } : undefined
    case 'tool-call': {
      const input = parseArguments(block.arguments)
      // A call that the limit on output cut off has no arguments that could be read.
      if (!input && !cutShort) throw broken()
      return {
        type: 'tool_use',
        id: toolId(block.id),
        name: block.name,
        input: input ?? {},
        caller: { type: 'direct' },
      }
    }
    case 'opaque':
      return block.part.protocol === 'anthropic-messages' ? renameFallback(block.part.value, model) : undefined
  }
}
