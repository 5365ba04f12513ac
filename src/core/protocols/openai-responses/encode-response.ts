import { GatewayError } from '../../kernel/errors.ts'
import { brokenFinish } from '../encoder-failure.ts'
import { imageOf } from '../made-media.ts'
import type { Block, Finish, JsonObject, NeutralResponse, OpaquePart } from '../neutral/index.ts'
import type { EncodeOptions } from '../protocol.ts'
import { callItem, encodeCitation, messageItem, reasoningItem, refusalPart, textPart } from './answer-items.ts'
import { encodeFinish, type WireFinish } from './finish.ts'
import { answerId, itemId, reasoningId } from './ids.ts'
import { responseObject, wantsState } from './response-object.ts'
import { namespacedTools } from './tool-namespaces.ts'

/** The answer with every key the types know. Throws `upstream_error` for an end that must not look like one. */
export const encodeResponse = (response: NeutralResponse, options: EncodeOptions): JsonObject => {
  const [choice] = response.choices
  if (!choice) throw new GatewayError('upstream_error', 'The provider sent an answer that holds nothing.')
  const end = encodeFinish(choice.finish)
  if (!end) throw new GatewayError('upstream_error', brokenFinish(choice.finish))
  const id = answerId(response.id, options)
  return responseObject(
    {
      id,
      created: response.created ?? options.created,
      status: end.status,
      reason: end.reason,
      output: encodeItems(withExplanation(choice.blocks, choice.finish), id, end, options),
      usage: response.usage,
    },
    options,
  )
}

/** Clients that read only the text see why there is none. */
const withExplanation = (blocks: readonly Block[], { reason, explanation }: Finish): readonly Block[] =>
  reason === 'refusal' && explanation && !blocks.some(({ kind }) => kind === 'refusal')
    ? [...blocks, { kind: 'refusal', text: explanation }]
    : blocks

const encodeItems = (
  blocks: readonly Block[],
  answer: string,
  end: WireFinish,
  options: EncodeOptions,
): JsonObject[] => {
  const namespaced = namespacedTools(options.asked)
  const sealed = wantsState(options)
  const items: JsonObject[] = []
  /** The parts of the message that is being made; texts next to each other are parts of one. */
  let parts: JsonObject[] = []
  const endMessage = (status: 'completed' | 'incomplete'): void => {
    if (parts.length > 0) items.push(messageItem(itemId('msg_', answer, items.length), status, parts))
    parts = []
  }
  const add = (make: (index: number) => JsonObject): void => {
    endMessage('completed')
    items.push(make(items.length))
  }
  // Only the last item can be cut short.
  const last = blocks.findLastIndex((block) => isTold(block, sealed))
  for (const [at, block] of blocks.entries()) {
    if (!isTold(block, sealed)) continue
    switch (block.kind) {
      case 'text':
        parts.push(
          textPart(
            block.text,
            (block.citations ?? [])
              .map((citation) => encodeCitation(citation, block.text))
              .filter((cited) => cited !== undefined),
          ),
        )
        break
      case 'refusal':
        parts.push(refusalPart(block.text))
        break
      case 'thinking':
        add((index) =>
          reasoningItem(reasoningId(block.id, answer, index), block.text, sealed ? stateOf(block) : undefined),
        )
        break
      case 'tool-call':
        add((index) =>
          callItem(
            itemId(block.custom ? 'ctc_' : 'fc_', answer, index),
            at === last ? end.status : 'completed',
            block,
            block.custom ? block.arguments : block.arguments || '{}',
            namespaced,
          ),
        )
        break
      case 'opaque':
        add((index) => wholeItem(block.part, answer, index))
        break
    }
  }
  endMessage(end.status)
  return items
}

/** An item of this protocol, as it is, or a picture that another protocol's model made. */
export const wholeItem = (part: OpaquePart, answer: string, index: number): JsonObject => {
  const image = part.protocol === 'openai-responses' ? undefined : imageOf({ kind: 'opaque', part })
  if (!image) return part.value
  return { id: itemId('ig_', answer, index), type: 'image_generation_call', status: 'completed', result: image.data }
}

type Thinking = Extract<Block, { kind: 'thinking' }>

const stateOf = ({ signature, redacted }: Pick<Thinking, 'signature' | 'redacted'>): string | undefined =>
  signature ?? redacted

/** What shows nothing and carries nothing is no item, nor is what only another protocol understands. */
const isTold = (block: Block, sealed: boolean): boolean => {
  switch (block.kind) {
    case 'text':
      return block.text !== '' || (block.citations ?? []).some((citation) => encodeCitation(citation) !== undefined)
    case 'refusal':
      return block.text !== ''
    case 'thinking':
      return block.text !== '' || (sealed && stateOf(block) !== undefined)
    case 'tool-call':
      return true
    case 'opaque':
      return block.part.protocol === 'openai-responses' || imageOf(block) !== undefined
  }
}
