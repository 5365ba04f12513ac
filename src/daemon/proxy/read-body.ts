import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../../core/kernel/errors.ts'

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

/** The whole body in one buffer. Rejects with `request_too_large` as soon as it is, and with ClientAborted when the connection ends first. */
export const readBody = (request: IncomingMessage, maxBytes: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) {
        request.removeAllListeners('data')
        request.resume()
        reject(tooLarge(maxBytes))
      } else chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)))
    const aborted = (): void => {
      // 'close' follows every request; an error with its stack is made only for those that were cut.
      if (!request.complete) reject(new ClientAborted())
    }
    request.on('error', aborted)
    request.on('close', aborted)
  })

const tooLarge = (maxBytes: number): GatewayError =>
  new GatewayError('request_too_large', `The body is larger than ${maxBytes} bytes.`)
