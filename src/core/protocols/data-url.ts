import type { Source } from './neutral/index.ts'
import { refuse } from './read.ts'

const dataUrl = /^data:([^;,]+)((?:;[^;,]+)*),/
const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** What OpenAI's clients give in the place of an image or file: an address, or the bytes themselves as a data: URL. Throws `invalid_request` with the path. */
export const decodeUrl = (url: string, path: string): Source => {
  if (/^https?:\/\//i.test(url)) return { from: 'url', url }
  const [head, mediaType, parameters] = dataUrl.exec(url.slice(0, 256)) ?? []
  if (head === undefined || mediaType === undefined || !parameters?.endsWith(';base64'))
    return refuse(path, 'must be an https:// address or a data: URL in base64.')
  return inline(mediaType, url.slice(head.length), path)
}

/** Bytes in base64 beside their type. Throws `invalid_request` for what is no base64. */
export const inline = (mediaType: string, data: string, path: string): Source =>
  base64.test(data) ? { from: 'base64', mediaType, data } : refuse(path, 'the data is not base64.')
