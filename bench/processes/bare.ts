import { createServer } from 'node:http'
import { Pool } from 'undici'

/**
 * The fair comparison: what Node can do at best when it only passes requests on. node:http in front, undici's `dispatch` behind, bytes untouched, back-pressure
 * and abort as any proxy needs them, and nothing else.
 */
const pool = new Pool(process.argv[2]!, { connections: 20_000, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    let abort: ((reason: Error) => void) | null = null
    let resume: (() => void) | null = null
    let gone = false
    response.on('close', () => {
      gone = true
      if (!response.writableFinished) abort?.(new Error('client left'))
    })
    response.on('drain', () => resume?.())
    pool.dispatch(
      {
        path: request.url!,
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' },
        body,
      },
      {
        onRequestStart(controller) {
          abort = (reason) => controller.abort(reason)
          resume = () => controller.resume()
          if (gone) controller.abort(new Error('client left'))
        },
        onResponseStart(_controller, status, headers) {
          const length = headers['content-length']
          const type = String(headers['content-type'] ?? 'application/json')
          response.writeHead(
            status,
            length === undefined
              ? { 'content-type': type }
              : { 'content-type': type, 'content-length': String(length) },
          )
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause()
        },
        onResponseEnd() {
          response.end()
        },
        onResponseError() {
          if (response.headersSent) response.destroy()
          else response.writeHead(502).end()
        },
      },
    )
  })
})
server.keepAliveTimeout = 120_000
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address()
  process.send!({ port: typeof address === 'object' && address ? address.port : 0 })
})
process.on('disconnect', () => process.exit(0))
