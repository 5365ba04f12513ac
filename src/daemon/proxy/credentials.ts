import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError } from '../../core/kernel/errors.ts'

/**
 * The API key of a request, from whichever header its SDK uses (`Authorization: Bearer`, `x-api-key`, `x-goog-api-key`, `api-key`), or from `?key=` as older Gemini
 * clients send it. Two different credentials in one request are refused, because guessing which one is meant would bill the wrong account.
 */
export const credentialOf = (headers: IncomingHttpHeaders, query?: URLSearchParams): string => {
  const found = bearer(headers.authorization)
  let secret = found
  for (const name of ['x-api-key', 'x-goog-api-key', 'api-key'] as const) {
    const value = headers[name]
    if (typeof value !== 'string' || value === '') continue
    if (secret !== undefined && secret !== value) throw new GatewayError('ambiguous_credentials')
    secret = value
  }
  for (const key of query?.getAll('key') ?? []) {
    if (key === '') continue
    if (secret !== undefined && secret !== key) throw new GatewayError('ambiguous_credentials')
    secret = key
  }
  if (secret === undefined) throw new GatewayError('invalid_api_key')
  return secret
}

const bearer = (value: string | undefined): string | undefined => {
  if (value === undefined) return undefined
  const match = /^Bearer +([^\s,]+)$/i.exec(value)
  if (!match) throw new GatewayError('invalid_api_key', 'The Authorization header must be "Bearer <API key>".')
  return match[1]
}
