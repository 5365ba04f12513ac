import { GatewayError } from '../../kernel/errors.ts'
import { FailedAnswer, toldError } from '../failed-answer.ts'
import { fold } from '../fold.ts'
import type { JsonObject, NeutralResponse, ProviderFailure } from '../neutral/index.ts'
import { Decoder } from './decoder.ts'
import { blockReason } from './finish.ts'

/**
 * A provider's whole answer: the stream of its one chunk. Throws FailedAnswer for an error, `content_filter` when the prompt was refused, `upstream_disconnected` for candidates without an end,
 * `upstream_error` when there is no answer in it.
 */
export const decodeResponse = (body: JsonObject): NeutralResponse => {
  const decoder = new Decoder()
  const answer = fold([...decoder.read(body), ...decoder.finish()])
  if ('class' in answer) throw toldError(body) ? new FailedAnswer(answer) : failed(body, answer)
  return answer
}

/** In our own words: the provider's are not yet cleaned of names and addresses. */
const failed = (body: JsonObject, { class: kind, code }: ProviderFailure): GatewayError => {
  if (kind === 'content-filter')
    return new GatewayError(
      'content_filter',
      `The provider refused the prompt (${blockReason(body) ?? 'no reason given'}).`,
    )
  if (code === 'upstream_disconnected' && Array.isArray(body['candidates']) && body['candidates'].length > 0)
    return new GatewayError('upstream_disconnected')
  if (code === 'upstream_disconnected')
    return new GatewayError('upstream_error', 'The provider sent an answer that holds no candidate.')
  return new GatewayError('upstream_error', 'The model stopped without an answer.')
}
