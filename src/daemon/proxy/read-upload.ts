import type { IncomingMessage } from 'node:http'
import { boundaryOf } from '../../core/endpoints/upload/scanner.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import { ClientAborted } from './read-body.ts'

const uploadType = /^multipart\/form-data *(?:;|$)/i

export const isUpload = ({ headers }: IncomingMessage): boolean => uploadType.test(headers['content-type'] ?? '')

/** Its boundary and its size, or the most it may have. Refuses what is no upload, or too large by its own word, before a byte of it is read. */
export const checkUploadHeaders = (
  request: IncomingMessage,
  maxBytes: number,
): { readonly boundary: string; readonly mostBytes: number } => {
  const { headers } = request
  if (!isUpload(request))
    throw new GatewayError('unsupported_media_type', 'Send the body as multipart/form-data without content encoding.')
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    throw new GatewayError('unsupported_media_type', 'Content-Encoding is not accepted: send the upload uncompressed.')
  const mostBytes = Number(headers['content-length'] ?? maxBytes)
  if (mostBytes > maxBytes) throw new GatewayError('request_too_large', `The upload is larger than ${maxBytes} bytes.`)
  return { boundary: boundaryOf(headers['content-type'] ?? ''), mostBytes }
}

/** The body as it comes. Whoever stops reading it leaves the connection as it is: an answer may still have to go out on it. Throws ClientAborted when it is cut. */
export async function* uploadBytes(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  } catch {
    throw new ClientAborted()
  }
  if (!request.complete) throw new ClientAborted()
}
