import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../../core/kernel/errors.ts'
import { freeBuffer } from '../../core/kernel/free-buffer.ts'

/** The client went away before its request was complete: nobody is left to answer. */
export class ClientAborted extends Error {}

/** Refuses bodies that are not plain UTF-8 JSON before a byte of them is read. */
export const checkBodyHeaders = (request: IncomingMessage, maxBytes: number): void => {
  const { headers } = request
  const type = headers['content-type']
  if (type === undefined || !jsonType.test(type)) throw new GatewayError('unsupported_media_type')
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new GatewayError(
      'unsupported_media_type',
      `Content-Encoding "${encoding.slice(0, 32)}" is not accepted: send the body uncompressed.`,
    )
  }
  const length = Number(headers['content-length'] ?? 0)
  if (length > maxBytes) throw tooLarge(maxBytes)
}

const jsonType = /^application\/json *(?:; *charset="?utf-?8"? *)?;? *$/i

/** Whether the client holds its body back until it is told to send it. */
export const isAwaitingContinue = ({ headers, httpVersionMinor }: IncomingMessage): boolean =>
  headers.expect !== undefined && httpVersionMinor === 1

/** Chunks that are kept as they came; of what follows, small ones are copied together, for each costs more memory than its bytes. */
const keptChunks = 16
const smallChunk = 4096
const blockSize = 64 * 1024
/** So many chunks may be small on average: parsing one costs a microsecond whatever it holds, and a connection full of them keeps the others waiting. */
const mostSmallChunks = 50_000
const leastAverage = 16

/** The whole body in one buffer. Rejects with `request_too_large` as soon as it is, and with ClientAborted when the connection ends first. */
export const readBody = (request: IncomingMessage, maxBytes: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let count = 0
    let block: Buffer | null = null
    let used = 0

    const closeBlock = (): void => {
      if (block && used > 0) chunks.push(block.subarray(0, used))
      block = null
      used = 0
    }
    const keep = (chunk: Buffer): void => {
      if (chunks.length < keptChunks || chunk.length > smallChunk) {
        closeBlock()
        chunks.push(chunk)
        return
      }
      if (used + chunk.length > blockSize) closeBlock()
      block ??= Buffer.allocUnsafeSlow(blockSize)
      used += chunk.copy(block, used)
    }
    const refuse = (error: GatewayError): void => {
      request.removeAllListeners('data').removeAllListeners('end').resume()
      chunks.length = 0
      reject(error)
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) refuse(tooLarge(maxBytes))
      else if (++count > mostSmallChunks && size < count * leastAverage) refuse(tooManyChunks())
      else keep(chunk)
    })
    request.on('end', () => {
      closeBlock()
      resolve(withoutMark(chunks.length === 1 ? chunks[0]! : join(chunks, size)))
    })
    const aborted = (): void => {
      // 'close' follows every request; an error with its stack is made only for those that were cut.
      if (!request.complete) reject(new ClientAborted())
    }
    request.on('error', aborted)
    request.on('close', aborted)
  })

/** The body without a byte order mark: it means nothing in UTF-8, and not every provider reads over it. */
const withoutMark = (body: Buffer): Buffer =>
  body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body

const join = (chunks: readonly Buffer[], size: number): Buffer => {
  const body = Buffer.concat(chunks, size)
  for (const chunk of chunks) freeBuffer(chunk)
  return body
}

/** How long, in milliseconds, and for how many chunks, what is left of a refused body is read and forgotten. */
const lingerMs = 2_000
const lingerChunks = 10_000

/**
 * Calls `done` when the rest of a body has come or is no longer waited for. Closing a connection on which unread bytes stand resets it, and the client may lose the
 * answer that says why.
 */
export const discardBody = (request: IncomingMessage, done: () => void): void => {
  const finish = (): void => {
    clearTimeout(timer)
    request.off('end', finish).off('close', finish).off('data', count)
    done()
  }
  let left = lingerChunks
  const count = (): void => {
    if (--left < 0) finish()
  }
  const timer = setTimeout(finish, lingerMs)
  // A reader that was left in the middle of an upload would keep it from flowing.
  request.removeAllListeners('readable')
  request.on('end', finish).on('close', finish).on('data', count).resume()
}

const tooManyChunks = (): GatewayError =>
  new GatewayError(
    'invalid_request',
    'The body comes in too many small chunks. Send it with a Content-Length, or in larger ones.',
  )

const tooLarge = (maxBytes: number): GatewayError =>
  new GatewayError('request_too_large', `The body is larger than ${maxBytes} bytes.`)
