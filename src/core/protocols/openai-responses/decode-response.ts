import { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, NeutralResponse } from '../neutral/index.ts'
import { FailedAnswer, toldError } from '../failed-answer.ts'
import { isObject } from '../read.ts'
import { decodeFinish, finishWord } from './finish.ts'
import { readItem, tells, text } from './read-output.ts'
import { readFailure } from './stream-failure.ts'
import { decodeUsage } from './usage.ts'

/** Whole answers end so; others are still being made (`queued`, `in_progress`), or failed. */
const ended = new Set(['completed', 'incomplete'])

/** A provider's whole answer. Throws FailedAnswer for an error, `upstream_error` when it is none or was not made to its end. */
export const decodeResponse = (body: JsonObject): NeutralResponse => {
  const { output, created_at: created } = body
  const error = toldError(body)
  if (error) throw new FailedAnswer(readFailure(error))
  if (!Array.isArray(output))
    throw new GatewayError('upstream_error', 'The provider sent an answer that holds no output.')
  // Servers that imitate the API may leave the status out.
  const status = text(body['status'])
  if (status !== '' && !ended.has(status))
    throw new GatewayError('upstream_error', 'The provider did not answer this request to its end.')
  const blocks = output.filter(isObject).flatMap(readItem).filter(tells)
  const usage = decodeUsage(body['usage'])
  const called = blocks.some((block) => block.kind === 'tool-call')
  const refused = blocks.some((block) => block.kind === 'refusal')
  return {
    id: text(body['id']),
    model: text(body['model']),
    ...(typeof created === 'number' && created > 0 && { created: Math.floor(created) }),
    choices: [{ blocks, finish: decodeFinish(finishWord(body), called, refused) }],
    ...(usage && { usage }),
  }
}
