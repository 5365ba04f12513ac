import { GatewayError } from '../../kernel/errors.ts'
import type { Block, JsonObject, NeutralResponse } from '../neutral/index.ts'
import { FailedAnswer, toldError } from '../failed-answer.ts'
import { decodeStreamError } from './errors.ts'
import { writtenInput } from './decoder-block.ts'
import { decodeFinish } from './finish.ts'
import { isObject, leftover } from './read.ts'
import { decodeUsage } from './usage.ts'

const known = new Set([
  'id',
  'type',
  'role',
  'model',
  'content',
  'stop_reason',
  'stop_sequence',
  'stop_details',
  'usage',
])

/** A provider's whole message. Throws FailedAnswer for an error, `upstream_error` when it is none. */
export const decodeResponse = (body: JsonObject): NeutralResponse => {
  const { content, id, model, usage } = body
  const error = Array.isArray(content) ? undefined : toldError(body)
  if (error) throw new FailedAnswer(decodeStreamError(error))
  if (!Array.isArray(content))
    throw new GatewayError('upstream_error', 'The provider sent an answer that is no message.')
  const blocks = content.filter(isObject).map(decodeBlock)
  const name = typeof model === 'string' ? model : ''
  const extensions = leftover(body, known)
  return {
    id: typeof id === 'string' ? id : '',
    model: name,
    choices: [
      {
        blocks,
        finish: decodeFinish(
          body,
          blocks.some((block) => block.kind === 'tool-call'),
        ),
      },
    ],
    ...(isObject(usage) && { usage: decodeUsage(usage, name) }),
    ...(extensions && { extensions }),
  }
}

const text = (value: JsonObject[string] | undefined): string => (typeof value === 'string' ? value : '')

const decodeBlock = (block: JsonObject): Block => {
  switch (block['type']) {
    case 'text': {
      const citations = Array.isArray(block['citations']) ? block['citations'].filter(isObject) : []
      return { kind: 'text', text: text(block['text']), ...(citations.length > 0 && { citations }) }
    }
    case 'thinking': {
      const signature = text(block['signature'])
      return {
        kind: 'thinking',
        text: text(block['thinking']),
        signedBy: 'anthropic-messages',
        ...(signature && { signature }),
      }
    }
    case 'redacted_thinking':
      return { kind: 'thinking', text: '', redacted: text(block['data']), signedBy: 'anthropic-messages' }
    case 'tool_use':
      return {
        kind: 'tool-call',
        id: text(block['id']),
        name: text(block['name']),
        arguments: writtenInput(block['input']),
      }
    default:
      return { kind: 'opaque', part: { type: 'opaque', protocol: 'anthropic-messages', value: block } }
  }
}
