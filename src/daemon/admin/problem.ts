import type { FastifyReply } from 'fastify'
import { errorCatalogue, GatewayError, toGatewayError } from '../../core/kernel/errors.ts'

/** RFC 9457. `type` names the code, which never changes; `detail` is for people. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly request_id: string
  readonly hint?: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

export const toProblem = (error: GatewayError, requestId: string): Problem => {
  const { fields, hint } = error.details
  return {
    type: `urn:tollgate:error:${error.code}`,
    title: errorCatalogue[error.code].message,
    status: error.status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...(hint !== undefined && { hint }),
    ...(fields !== undefined && fields.length > 0 && { errors: fields }),
  }
}

export const sendProblem = (reply: FastifyReply, error: GatewayError): FastifyReply => {
  if (error.kind === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="tollgate admin"')
  if (error.details.retryAfter !== undefined) reply.header('retry-after', Math.ceil(error.details.retryAfter))
  return reply
    .code(error.status)
    .header('x-should-retry', String(error.retry))
    .type('application/problem+json')
    .send(JSON.stringify(toProblem(error, reply.request.id)))
}

/** Fastify's own refusals in our words; anything unknown is ours to repair and becomes `internal_error`. */
export const fromFastify = (error: unknown): GatewayError => {
  if (error instanceof GatewayError) return error
  const { code, statusCode } = error instanceof Error ? (error as Partial<Record<'code' | 'statusCode', unknown>>) : {}
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new GatewayError('request_too_large')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return new GatewayError('unsupported_media_type')
    case 'FST_ERR_BAD_URL':
      return new GatewayError('invalid_request', 'The path is not validly encoded.')
    default:
      break
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new GatewayError('invalid_request', undefined, {}, { cause: error })
  }
  return toGatewayError(error)
}
