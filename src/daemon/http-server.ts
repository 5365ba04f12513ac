import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { isAwaitingContinue } from './proxy/read-body.ts'
import { isProxyPath } from './proxy/routes.ts'
import {
  expectationFailed,
  headersTooLarge,
  malformed,
  pipelineTooLong,
  refusalBytes,
  refusalOf,
  refuse,
  tooSlow,
  upgradeRequired,
  urlTooLong,
} from './wire-refusal.ts'
import type { WireRefusal } from './wire-refusal.ts'

/** Milliseconds. */
export interface HttpLimits {
  /** From the start of a connection or request to the end of its headers. */
  readonly headersTimeoutMs: number
  /** The whole request, body included: a slow body ends here. */
  readonly requestTimeoutMs: number
  /** How long a connection may wait for its next request. */
  readonly keepAliveTimeoutMs: number
  /** How often the first two are looked at. */
  readonly checkIntervalMs: number
}

const defaultLimits: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  keepAliveTimeoutMs: 75_000,
  checkIntervalMs: 2_000,
}

const maxHeaderBytes = 16 * 1024
/** Requests that may wait on one connection for the answers before theirs. */
const longestPipeline = 16

/**
 * A node:http server with every limit set (Node's own defaults leave requests unbounded in time) and strict about framing. The proxy plane is served before any
 * framework sees the request; everything else goes to `admin`. Requests of one connection are served one after the other: what follows an answer that ends the
 * connection is never begun, so it holds no credit.
 */
export const createHttpServer = (
  proxy: RequestListener,
  admin: RequestListener,
  limits: HttpLimits = defaultLimits,
): Server => {
  const server = createServer({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    maxHeaderSize: maxHeaderBytes,
    noDelay: true,
    insecureHTTPParser: false,
    // Checked here, so that the answer says why.
    requireHostHeader: false,
    joinDuplicateHeaders: true,
    // Some clients offer h2c with every request; an offer may be ignored.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
  })
  // A client that has sent its request may close its own direction and still read.
  Object.assign(server, { httpAllowHalfOpen: true })

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = response
    if (socket === null) return waitForTurn(request, response, serve)
    // The connection has ended with an earlier answer.
    if (!socket.writable) return
    const refusal = refusalOf(request)
    if (refusal) return refuse(response, refusal)
    if (isProxyPath(request.url ?? '')) return proxy(request, response)
    if (isAwaitingContinue(request)) response.writeContinue()
    admin(request, response)
  }
  server.on('request', serve)
  // Whether the body is wanted is the handlers' to say, after they know who sends it.
  server.on('checkContinue', serve)
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) =>
    refuse(response, expectationFailed),
  )
  server.on('upgrade', (request, socket) => socket.end(refusalBytes(upgradeRequired, request.url ?? '')))
  server.on('clientError', (error: ParserError, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) return void socket.destroy()
    socket.end(refusalBytes(refusalOfError(error, socket), pathOf(error, socket)))
  })
  return server
}

/** Node hands over pipelined requests as they arrive and a response gets its socket when its turn has come. */
const waitForTurn = (request: IncomingMessage, response: ServerResponse, serve: RequestListener): void => {
  const { socket } = request
  const waiting = (pipelines.get(socket) ?? 0) + 1
  pipelines.set(socket, waiting)
  if (waiting > longestPipeline) {
    // Nothing more is read; the answer that ends the connection waits behind the others.
    socket.pause()
    response.once('socket', () => refuse(response, pipelineTooLong))
    return
  }
  response.once('socket', () => {
    pipelines.set(socket, (pipelines.get(socket) ?? 1) - 1)
    serve(request, response)
  })
}

const pipelines = new WeakMap<Duplex, number>()

type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer }

/**
 * Whether an answer is under way on this connection, or one that must come first: bytes of ours would stand in the middle of it. Node keeps the response in
 * `_httpMessage` and its own handler looks there too.
 */
const isAnswering = (socket: Duplex): boolean => {
  const { _httpMessage: response } = socket as Duplex & { _httpMessage?: ServerResponse | null }
  return response ? response.headersSent || response.req.complete : false
}

/** The path of the request that broke, or nothing where it did not come that far. */
const pathOf = ({ rawPacket }: ParserError, socket: Duplex): string => {
  const { _httpMessage: response } = socket as Duplex & { _httpMessage?: ServerResponse | null }
  const line = (): string | undefined => rawPacket?.toString('latin1', 0, 300)
  return response?.req.url ?? /^[A-Z]+ (\/\S*)/.exec(line() ?? '')?.[1] ?? ''
}

const refusalOfError = ({ code, rawPacket }: ParserError, socket: Duplex): WireRefusal => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return tooSlow
  if (code !== 'HPE_HEADER_OVERFLOW') return malformed
  // Node counts the URL as a header. Where the first line of the connection alone fills the room, it is the URL.
  const { bytesRead } = socket as Duplex & { bytesRead?: number }
  const line = rawPacket?.indexOf(0x0a) ?? 0
  return bytesRead === rawPacket?.length && (line === -1 || line > maxHeaderBytes) ? urlTooLong : headersTooLarge
}
