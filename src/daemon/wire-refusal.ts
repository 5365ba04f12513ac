import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { newId } from '../core/kernel/ids.ts'
import type { Problem } from './admin/problem.ts'
import { isGooglePath, isProxyPath } from './proxy/routes.ts'

/** A request that is refused for what it is on the wire, before anything looks at what it asks. The connection ends with it. */
export interface WireRefusal {
  readonly status: number
  readonly code: string
  readonly message: string
  /** Methods that are served instead. */
  readonly allow?: string
}

export const malformed: WireRefusal = {
  status: 400,
  code: 'malformed_http',
  message: 'This is not valid HTTP/1.1.',
}
export const headersTooLarge: WireRefusal = {
  status: 431,
  code: 'headers_too_large',
  message: 'The headers are too large or too many.',
}
export const urlTooLong: WireRefusal = { status: 414, code: 'url_too_long', message: 'The URL is too long.' }
export const tooSlow: WireRefusal = {
  status: 408,
  code: 'request_timeout',
  message: 'The request did not arrive in time.',
}
export const expectationFailed: WireRefusal = {
  status: 417,
  code: 'expectation_failed',
  message: 'The only expectation that is met here is "100-continue".',
}
export const upgradeRequired: WireRefusal = {
  status: 426,
  code: 'upgrade_required',
  message: 'WebSocket is not served here; use HTTPS.',
}
export const pipelineTooLong: WireRefusal = {
  status: 400,
  code: 'too_many_pipelined',
  message: 'Too many requests were sent on one connection without waiting for their answers.',
}
export const nothingHere: WireRefusal = { status: 404, code: 'not_found', message: 'There is nothing here.' }
const otherVersion: WireRefusal = {
  status: 505,
  code: 'http_version_not_supported',
  message: 'HTTP/1.1 and HTTP/1.0 are served here.',
}
const badHost: WireRefusal = { status: 400, code: 'bad_host', message: 'Send exactly one valid Host header.' }
const badUrl: WireRefusal = { status: 400, code: 'bad_url', message: 'The URL is not validly encoded.' }
const misdirected: WireRefusal = { status: 400, code: 'misdirected', message: 'This request is for another host.' }
const unknownCoding: WireRefusal = {
  status: 501,
  code: 'unsupported_encoding',
  message: 'The only transfer coding that is served is "chunked".',
}
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const knownMethods = new Set(methods.split(', '))
const unknownMethod: WireRefusal = {
  status: 405,
  code: 'method_not_allowed',
  message: 'This method is not allowed here.',
  allow: methods,
}

/** All of them, for the reference. */
export const wireRefusals: readonly WireRefusal[] = [
  malformed,
  badUrl,
  badHost,
  misdirected,
  pipelineTooLong,
  nothingHere,
  unknownMethod,
  tooSlow,
  urlTooLong,
  expectationFailed,
  upgradeRequired,
  headersTooLarge,
  unknownCoding,
  otherVersion,
]

/** More headers than any client sends; Node would cut the list silently at its own limit. Names and values stand one after the other. */
const mostRawHeaders = 2 * 100
/** Characters; RFC 9110 asks for at least 8000. */
const longestUrl = 8192
const validHost = /^[\w.~!$&'()*+;=:%[\]-]{1,261}$/
const originForm = /^\/[\x21-\x7e]*$/
const absoluteForm = /^https?:\/\/([^/?#]*)(\/[\x21-\x7e]*)?$/i

/**
 * What Node's parser lets through and a strict reader of RFC 9112 does not. Null for a request that may be served. Two readers that see different requests in the
 * same bytes are how requests are smuggled past a proxy, so any doubt is a refusal. A URL that names our own host in full is cut to its path.
 */
export const refusalOf = (request: IncomingMessage): WireRefusal | null => {
  const { headers, method = '' } = request
  if (request.rawHeaders.length > mostRawHeaders) return headersTooLarge
  if (request.httpVersionMajor !== 1) return request.httpVersionMajor === 2 ? otherVersion : malformed
  const { host } = headers
  // Node joins two Host headers with a comma, which no host holds.
  if (host === undefined ? request.httpVersionMinor > 0 : !validHost.test(host)) return badHost
  const coding = headers['transfer-encoding']
  if (coding !== undefined) {
    if (request.httpVersionMinor === 0 || headers['content-length'] !== undefined) return malformed
    if (coding.toLowerCase() !== 'chunked')
      return /^(?:gzip|x-gzip|deflate|compress|x-compress|br|zstd)\b/i.test(coding) ? unknownCoding : malformed
  }
  return refusalOfUrl(request) ?? (knownMethods.has(method) || isProxyPath(request.url ?? '') ? null : unknownMethod)
}

const refusalOfUrl = (request: IncomingMessage): WireRefusal | null => {
  const { url = '' } = request
  if (url.length > longestUrl) return urlTooLong
  if (!originForm.test(url)) {
    const [, authority, path = '/'] = absoluteForm.exec(url) ?? []
    if (authority === undefined) return badUrl
    if (authority.toLowerCase() !== request.headers.host?.toLowerCase()) return misdirected
    request.url = path
  }
  return url.includes('%') && !isWellEncoded(url) ? badUrl : null
}

/** Every % begins a byte, the bytes are UTF-8, and none is NUL. */
const isWellEncoded = (url: string): boolean => {
  try {
    return !decodeURIComponent(url).includes('\0')
  } catch {
    return false
  }
}

/** Paths of the admin plane and of health. The rest of what is no proxy path may be a client of the proxy with a wrong address. */
const isAdminPath = (path: string): boolean => /^\/(?:api|health|metrics)(?:[/?]|$)/.test(path) && !isProxyPath(path)

/** google.rpc.Code; what is not named is INVALID_ARGUMENT. */
const googleStatus: Readonly<Record<number, string>> = {
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  408: 'DEADLINE_EXCEEDED',
  426: 'UNIMPLEMENTED',
  501: 'UNIMPLEMENTED',
}

/**
 * RFC 9457 for paths of the admin plane, google.rpc.Status for those of Google's clients. Else a body with what both the OpenAI and the Anthropic SDKs look for: which protocol it would have been is not known.
 * `path` is empty when it is not known either.
 */
const render = ({ status, code, message, allow }: WireRefusal, path: string): { headers: string[]; body: string } => {
  const id = newId('request')
  const admin = isAdminPath(path)
  const problem = (): Problem => ({
    type: `urn:tollgate:error:${code}`,
    title: STATUS_CODES[status] ?? message,
    status,
    detail: message,
    code,
    request_id: id,
  })
  const google = (): object => ({
    error: {
      code: status,
      message,
      status: googleStatus[status] ?? 'INVALID_ARGUMENT',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: code.toUpperCase(),
          domain: 'tollgate',
          metadata: { requestId: id },
        },
      ],
    },
  })
  const body = JSON.stringify(
    admin
      ? problem()
      : isGooglePath(path)
        ? google()
        : { type: 'error', error: { type: 'invalid_request_error', message, code, param: null }, request_id: id },
  )
  const type = admin ? 'application/problem+json' : 'application/json'
  const headers = ['content-type', type, 'content-length', String(Buffer.byteLength(body))]
  headers.push('connection', 'close', 'x-request-id', id, 'x-gateway-request-id', id)
  headers.push('x-should-retry', String(status === 408))
  if (allow !== undefined) headers.push('allow', allow)
  return { headers, body }
}

/** Answers a request that was parsed. */
export const refuse = (response: ServerResponse, refusal: WireRefusal): void => {
  const { headers, body } = render(refusal, response.req.url ?? '')
  response.writeHead(refusal.status, headers)
  response.end(body)
}

/** The same answer as bytes, where there is no request to answer. `path`: as far as it is known. */
export const refusalBytes = (refusal: WireRefusal, path: string): string => {
  const { headers, body } = render(refusal, path)
  let head = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n`
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${head}\r\n${body}`
}
