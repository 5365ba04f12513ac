import { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, NeutralResponse } from '../neutral/index.ts'
import { FailedAnswer, toldError } from '../failed-answer.ts'
import { isObject } from '../read.ts'
import { decodeStreamError } from './errors.ts'
import { decodeFinish } from './finish.ts'
import { mintAnswerId } from './ids.ts'
import { decodeBlock } from './read-content.ts'
import { decodeUsage } from './usage.ts'

/** A whole answer of Converse. It names neither itself nor its model. Throws FailedAnswer for an error, `upstream_error` when it is none. */
export const decodeResponse = (body: JsonObject): NeutralResponse => {
  const output = isObject(body['output']) ? body['output'] : {}
  const message = isObject(output['message']) ? output['message'] : {}
  const { content } = message
  const error = Array.isArray(content) ? undefined : toldError(body)
  if (error) throw new FailedAnswer(decodeStreamError(error))
  if (!Array.isArray(content))
    throw new GatewayError('upstream_error', 'The provider sent an answer that holds no message.')
  const blocks = content.filter(isObject).map(decodeBlock)
  const usage = decodeUsage(body['usage'])
  const called = blocks.some(({ kind }) => kind === 'tool-call')
  return {
    id: mintAnswerId(),
    model: '',
    choices: [{ blocks, finish: decodeFinish(body['stopReason'], called) }],
    ...(usage && { usage }),
  }
}
