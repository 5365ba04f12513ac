import { request as httpRequest } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { GatewayError } from '../core/kernel/errors.ts'
import type { FieldError } from '../core/kernel/errors.ts'
import { programVersion } from '../core/kernel/version.ts'
import type { AdminClient, CallOptions } from './client.ts'
import { isErrorCode } from './render-error.ts'

/** Where a daemon answers: a socket in the data directory, or a URL with a token. */
export type Endpoint = { readonly socketPath: string } | { readonly url: URL; readonly token: string | null }

/** Bytes. Reports come in pages, so anything larger is a mistake on the other side. */
const longestAnswer = 256 * 1024 * 1024

/** Time without a sign of life. A whole ledger may be verified in one call. */
const patienceMs = 600_000

/** Operations over HTTP: one POST each, a connection of its own, so that nothing keeps the process alive afterwards. */
export const createHttpClient = (endpoint: Endpoint): AdminClient => ({
  via: 'url' in endpoint ? 'url' : 'socket',
  where: 'url' in endpoint ? endpoint.url.origin : endpoint.socketPath,
  async call(operation, input, options) {
    const { status, headers, body } = await exchange(
      endpoint,
      `/api/admin/operations/${operation}`,
      JSON.stringify(input),
      options,
    )
    const version = headers['x-gateway-version']
    if (typeof version === 'string' && version !== programVersion) {
      throw new GatewayError('version_mismatch', `The daemon runs version ${version}, this is ${programVersion}.`, {
        hint: 'Restart the daemon, or run the command of the same version.',
      })
    }
    const value = parse(body)
    if (status >= 200 && status < 300 && value !== undefined) return value
    throw problem(status, value, endpoint)
  },
  close: () => Promise.resolve(),
})

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const exchange = (endpoint: Endpoint, path: string, body: string, options: CallOptions): Promise<Answer> => {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const remote = 'url' in endpoint ? endpoint : null
  const base = remote ? remote.url.pathname.replace(/\/+$/, '') : ''
  const target: RequestOptions = remote
    ? {
        protocol: remote.url.protocol,
        hostname: remote.url.hostname.replace(/^\[|\]$/g, ''),
        port: remote.url.port || undefined,
      }
    : { socketPath: 'socketPath' in endpoint ? endpoint.socketPath : '' }
  const request = (remote?.url.protocol === 'https:' ? httpsRequest : httpRequest)(
    {
      ...target,
      agent: false,
      method: 'POST',
      path: `${base}${path}`,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        accept: 'application/json',
        'x-gateway-version': programVersion,
        ...(remote?.token && { authorization: `Bearer ${remote.token}` }),
        ...(options.idempotencyKey && { 'idempotency-key': options.idempotencyKey }),
      },
      timeout: patienceMs,
    },
    (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > longestAnswer) request.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      )
      response.on('error', reject)
    },
  )
  request.on('timeout', () => request.destroy(new Error('it does not answer')))
  request.on('error', (error) => reject(unreachable(error, endpoint)))
  request.end(body)
  return promise
}

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** A problem document (RFC 9457) as the error it was on the other side. */
const problem = (status: number, value: unknown, endpoint: Endpoint): GatewayError => {
  if (!isRecord(value) || !isErrorCode(value['code'])) {
    if (status === 401 || status === 403)
      return new GatewayError('unauthenticated', 'The gateway refused the token.', { hint: loginHint })
    const where = 'url' in endpoint ? endpoint.url.origin : endpoint.socketPath
    return new GatewayError('daemon_unreachable', `${where} did not answer as a gateway does (HTTP ${status}).`, {
      hint: 'Is this the address of a gateway?',
    })
  }
  const errors: readonly unknown[] = Array.isArray(value['errors']) ? value['errors'] : []
  const fields = errors
    .filter(isRecord)
    .map((field): FieldError => ({ path: text(field['path']) ?? '', message: text(field['message']) ?? '' }))
  const hint = text(value['hint']) ?? (value['code'] === 'unauthenticated' && 'url' in endpoint ? loginHint : undefined)
  return new GatewayError(value['code'], text(value['detail']) ?? text(value['title']), {
    ...(hint && { hint }),
    ...(fields.length > 0 && { fields }),
  })
}

const loginHint = 'Log in with "gateway login URL", or set GATEWAY_TOKEN to an admin token.'

/** Connection errors by what the operator can do. Anything that went wrong after the connection stood is reported as unreachable too: the outcome is unknown. */
const unreachable = (error: Error, endpoint: Endpoint): GatewayError => {
  const code = 'code' in error ? String(error.code) : ''
  const where = 'url' in endpoint ? endpoint.url.origin : endpoint.socketPath
  if (code === 'EACCES' || code === 'EPERM') {
    return new GatewayError(
      'permission_denied',
      `${where} may not be used by this user.`,
      { hint: 'Run the command as the user that runs the daemon.' },
      { cause: error },
    )
  }
  return new GatewayError(
    'daemon_unreachable',
    `No gateway answers at ${where} (${code || error.message}).`,
    { hint: 'Start one with "gateway serve".' },
    { cause: error },
  )
}
