import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Catalog } from '../../core/catalog/resolved.ts'
import type { Exchange } from '../../core/exchange/exchange.ts'
import { errorHeaders } from '../../core/exchange/response-headers.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { GatewayError, toGatewayError } from '../../core/kernel/errors.ts'
import { newId } from '../../core/kernel/ids.ts'
import { ipAllowed } from '../../core/keys/ip-allow.ts'
import type { KeyPrincipal, KeyVerifier } from '../../core/keys/verdict.ts'
import { endpointById } from '../../core/endpoints/index.ts'
import { createSpools } from '../../core/endpoints/upload/spool.ts'
import { openUpload, type Upload } from '../../core/endpoints/upload/upload.ts'
import type { ErrorFormat, Place } from '../../core/protocols/protocol.ts'
import { clientIp } from './client-ip.ts'
import { credentialOf } from './credentials.ts'
import { listModels, protocolOfHeaders, showModel } from './list-models.ts'
import { checkBodyHeaders, ClientAborted, discardBody, isAwaitingContinue, readBody } from './read-body.ts'
import { ResponseSink } from './response-sink.ts'
import { checkUploadHeaders, isUpload, uploadBytes } from './read-upload.ts'
import { isGooglePath, matchRoute } from './routes.ts'

export interface ProxyDeps {
  readonly clock: Clock
  readonly keys: KeyVerifier
  readonly catalog: Catalog
  readonly exchange: Exchange
  readonly maxBodyBytes: number
  readonly maxUploadBytes: number
  /** Where uploads may lie for a while. */
  readonly dataDir: string
  readonly trustedProxies: readonly string[]
  readonly draining: () => boolean
  readonly onError: (error: GatewayError, requestId: string) => void
}

/** Serves the proxy plane straight on node:http: no framework stands between the socket and the exchange. */
export const createProxyHandler = (deps: ProxyDeps) => {
  const { clock, keys, catalog, exchange } = deps
  const spools = createSpools(deps.dataDir)

  const authenticate = (request: IncomingMessage): KeyPrincipal => {
    const verdict = keys.verify(credentialOf(request.headers, queryOf(request)))
    if (verdict.status !== 'valid') throw new GatewayError(refusalCode[verdict.status])
    const { allowIps } = verdict.principal
    if (allowIps && !ipAllowed(allowIps, clientIp(request, deps.trustedProxies)))
      throw new GatewayError('ip_not_allowed')
    return verdict.principal
  }

  const serve = async (request: IncomingMessage, response: ServerResponse, id: string): Promise<void> => {
    const startedAt = clock.monotonic()
    const match = matchRoute(request.method ?? '', pathOf(request))
    if (!match.found) {
      if (!match.allow) throw new GatewayError('not_found', 'This path is not served.')
      response.setHeader('allow', match.allow.join(', '))
      throw new GatewayError('method_not_allowed', `Use ${match.allow.join(' or ')} here.`)
    }
    if (deps.draining()) throw new GatewayError('draining', undefined, { retryAfter: 5 })
    const principal = authenticate(request)
    const requestId = requestIdOf(request, id)
    const { route, place } = match
    if (route.kind === 'upgrade-required') throw new GatewayError('upgrade_required')
    if (route.kind === 'models') {
      const shape = route.shape === 'gemini' ? 'gemini' : protocolOfHeaders(request.headers, queryOf(request))
      const body =
        place.model === undefined
          ? listModels(catalog, principal, shape, queryOf(request))
          : showModel(catalog, principal, shape, place.model)
      return sendJson(response, 200, ['x-request-id', requestId, 'x-gateway-request-id', id], body)
    }
    const { uploads, kept } = route.endpoint
    const isUploaded = uploads === 'only' || (uploads === 'too' && isUpload(request))
    const { body, upload } = isUploaded
      ? await takeUpload(request, response)
      : await takeBody(request, response, kept ? 'none' : 'json')
    await exchange.run({
      id,
      requestId,
      clientRequestId: requestId === id ? null : requestId,
      endpoint: route.endpoint,
      place: upload
        ? { ...place, uploadBytes: upload.mostBytes }
        : kept
          ? queried(place, request)
          : framing(place, request),
      principal,
      body,
      ...(upload && { upload }),
      headers: request.headers as Record<string, string>,
      receivedAt: clock.now(),
      startedAt,
      client: new ResponseSink(response, upload && request),
    })
  }

  /** `none`: nothing is said in it, whatever it holds. */
  const takeBody = async (
    request: IncomingMessage,
    response: ServerResponse,
    content: 'json' | 'none',
  ): Promise<Taken> => {
    if (content === 'json') checkBodyHeaders(request, deps.maxBodyBytes)
    if (isAwaitingContinue(request)) response.writeContinue()
    return { body: await readBody(request, deps.maxBodyBytes) }
  }

  const takeUpload = async (request: IncomingMessage, response: ServerResponse): Promise<Taken> => {
    const { boundary, mostBytes } = checkUploadHeaders(request, deps.maxUploadBytes)
    if (isAwaitingContinue(request)) response.writeContinue()
    const body = uploadBytes(request)
    const upload = await openUpload({ body, boundary, mostBytes, spools, now: clock.now() })
    // Whatever becomes of the exchange, its answer ends or breaks.
    if (response.destroyed) await upload.close()
    else response.once('close', () => void upload.close())
    return { body: upload.fields, upload }
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    const id = newId('request', clock.now())
    serve(request, response, id).catch((thrown: unknown) => {
      if (thrown instanceof ClientAborted) return response.destroy()
      const error = toGatewayError(thrown)
      if (error.status >= 500 && error.code !== 'draining') deps.onError(error, id)
      refuse(request, response, error, id)
    })
  }
}

interface Taken {
  readonly body: Buffer
  readonly upload?: Upload
}

const refusalCode = {
  malformed: 'invalid_api_key',
  unknown: 'invalid_api_key',
  expired: 'expired_api_key',
  disabled: 'disabled_api_key',
} as const

/** An error before the exchange began, in the protocol that the path (or else the headers) tells. */
const refuse = (request: IncomingMessage, response: ServerResponse, error: GatewayError, id: string): void => {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const protocol = protocolOf(request)
  const requestId = requestIdOf(request, id)
  const { status, body } = protocol.renderError(error, requestId)
  const headers = errorHeaders(['x-request-id', requestId, 'x-gateway-request-id', id], error)
  if (protocol.id === 'anthropic-messages') headers.push('request-id', requestId)
  if (request.complete) return sendJson(response, status, headers, body)
  // What is left of the body means nothing to us, so the connection cannot carry another request.
  headers.push('connection', 'close')
  response.write(startJson(response, status, headers, body))
  if (isAwaitingContinue(request)) response.end()
  else discardBody(request, () => response.end())
}

const sendJson = (response: ServerResponse, status: number, headers: string[], body: unknown): void => {
  response.end(startJson(response, status, headers, body))
}

const startJson = (response: ServerResponse, status: number, headers: string[], body: unknown): Buffer => {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, ['content-type', 'application/json', 'content-length', String(bytes.length), ...headers])
  return bytes
}

const pathOf = (request: IncomingMessage): string => {
  const url = request.url ?? ''
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

/** Undefined when there is none, so that the path of a request without one costs nothing. */
const queryOf = (request: IncomingMessage): URLSearchParams | undefined => {
  const url = request.url ?? ''
  const query = url.indexOf('?')
  return query === -1 ? undefined : new URLSearchParams(url.slice(query + 1))
}

/** Gemini streams are server-sent events with `alt=sse`, else one JSON array. */
const framing = (place: Place, request: IncomingMessage): Place => {
  if (!place.stream) return place
  const query = queryOf(request)
  // Google's own generators of clients write its system parameters with a dollar.
  const alt = query?.get('alt') ?? query?.get('$alt')
  return alt?.startsWith('sse') ? place : { ...place, jsonArray: true }
}

const queried = (place: Place, request: IncomingMessage): Place => {
  const query = queryOf(request)
  return query ? { ...place, query } : place
}

const protocolOf = (request: IncomingMessage): ErrorFormat => {
  const path = pathOf(request)
  const match = matchRoute('POST', path)
  if (match.found && match.route.kind === 'exchange') return match.route.endpoint.errors
  if (isGooglePath(path)) return endpointById('gemini').errors
  return endpointById(protocolOfHeaders(request.headers, queryOf(request))).errors
}

const goodRequestId = /^[A-Za-z0-9._-]{1,128}$/

/** The client's own request id if it is one that can be logged and echoed safely, else ours. */
const requestIdOf = (request: IncomingMessage, id: string): string => {
  const own = request.headers['x-request-id']
  return typeof own === 'string' && goodRequestId.test(own) ? own : id
}
