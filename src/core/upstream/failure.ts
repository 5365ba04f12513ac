import type { FailureKind } from './upstream.ts'
import { forbiddenCode } from './guard.ts'

/** How far a call has come. */
export type Phase = 'waiting' | 'sent' | 'answering'

/** An error of the network → what it means. Messages are ours and name at most the error's code: originals hold addresses. */
export const classify = (error: unknown, phase: Phase): { readonly kind: FailureKind; readonly message: string } => {
  const code = codeOf(error)
  const named = (sentence: string): string => (code === '' ? sentence : `${sentence} (${code})`)
  if (code === forbiddenCode)
    return { kind: 'forbidden', message: 'the destination is a private or reserved address that is not allowed' }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED' || code === 'UND_ERR_ABORTED')
    return { kind: 'aborted', message: 'the call was aborted' }
  if (code === 'UND_ERR_INVALID_ARG')
    return { kind: 'protocol', message: named('the request cannot be expressed in HTTP') }
  if (phase === 'waiting') {
    if (isTls(code, error)) return { kind: 'tls', message: named('no TLS connection could be made') }
    return { kind: 'connect', message: named('no connection could be made') }
  }
  // Before the head is complete this can only be a head that contradicts itself (two lengths).
  const contradiction = phase === 'sent' && code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
  if (contradiction || isMalformed(code, error))
    return { kind: 'protocol', message: named('the answer is not valid HTTP') }
  return { kind: 'disconnected', message: named('the connection ended before the answer was complete') }
}

const codeOf = (error: unknown): string => {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : ''
}

const isTls = (code: string, error: unknown): boolean =>
  code.startsWith('ERR_TLS_') ||
  code.startsWith('ERR_SSL_') ||
  code.includes('CERT') ||
  code.startsWith('UNABLE_TO_') ||
  code === 'EPROTO' ||
  (code === 'ECONNRESET' && error instanceof Error && error.message.includes('secure TLS connection'))

const isMalformed = (code: string, error: unknown): boolean =>
  code === 'UND_ERR_HEADERS_OVERFLOW' ||
  code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ||
  // End of file inside a chunk is a cut connection, not a malformed answer. undici's parser errors have no code.
  (error instanceof Error && error.name === 'HTTPParserError' && !error.message.includes('Invalid EOF state')) ||
  (code === 'UND_ERR_SOCKET' &&
    error instanceof Error &&
    (error.message === 'bad response' || error.message === 'bad upgrade'))
