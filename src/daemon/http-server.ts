import { createServer, type IncomingMessage, type RequestListener, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { isProxyPath } from './proxy/routes.ts'

/**
 * A node:http server with every limit set (Node's own defaults leave requests unbounded in time). The proxy plane is served before any framework sees the request;
 * everything else goes to `admin`.
 */
export const createHttpServer = (proxy: RequestListener, admin: RequestListener): Server => {
  const server = createServer(
    {
      headersTimeout: 10_000,
      // The whole request, body included: a slow body ends here.
      requestTimeout: 120_000,
      keepAliveTimeout: 75_000,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 16 * 1024,
      noDelay: true,
      insecureHTTPParser: false,
      requireHostHeader: true,
      joinDuplicateHeaders: true,
    },
    (request, response) => {
      if (hasTooManyHeaders(request)) {
        response.writeHead(431, { connection: 'close' })
        response.end()
      } else if (isProxyPath(request.url ?? '')) proxy(request, response)
      else admin(request, response)
    },
  )
  server.on('upgrade', (_request, socket) =>
    refuseRaw(socket, 426, 'upgrade_required', 'WebSocket is not served here; use HTTPS.'),
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    if (error.code === 'HPE_HEADER_OVERFLOW')
      return refuseRaw(socket, 431, 'request_too_large', 'The headers are too large.')
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      return refuseRaw(socket, 408, 'request_timeout', 'The request did not arrive in time.')
    refuseRaw(socket, 400, 'invalid_request', 'This is not valid HTTP/1.1.')
  })
  return server
}

/** More headers than any client sends; Node would cut the list silently. */
const hasTooManyHeaders = (request: IncomingMessage): boolean => request.rawHeaders.length > 200

const refuseRaw = (socket: Duplex, status: number, code: string, message: string): void => {
  const body = JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
