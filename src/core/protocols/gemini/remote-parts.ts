import { readField, type ScannedObject } from '../json-scan.ts'
import type { JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { items } from './read.ts'

/** Keys of inputs whose tokens are not told by the bytes of the body. */
export const remoteKeys = ['fileUri', 'file_uri', 'inlineData', 'inline_data'] as const

/**
 * An hour of video or ten of audio, or a thousand pages: a file may fill the window of any model of Google's. Where the model's own window is known, that
 * bounds it.
 */
const mostFileTokens = 1_000_000

export interface Remote {
  /** Inputs that cost about what a picture costs, whatever their bytes are: the smallest image has some hundred tokens. */
  readonly remoteParts: number
  /** The most tokens of the prompt, where files are among it that are no images. */
  readonly promptBound?: number
}

const quote = 0x22

/**
 * Files by address and inline data in the conversation. What only looks like them (an argument of that name) makes the hold larger than needed, never smaller.
 */
export const countRemote = (scanned: ScannedObject): Remote => {
  const { bytes, fields, found } = scanned
  const contents = fields.get('contents')!
  let remoteParts = 0
  let hasFiles = false
  for (const at of found) {
    if (at < contents.valueStart || at > contents.valueEnd) continue
    remoteParts++
    hasFiles ||= valueAt(bytes, at) === quote
  }
  const files = hasFiles ? countFiles(readField(scanned, 'contents') as JsonValue) : 0
  return { remoteParts, ...(files > 0 && { promptBound: bytes.length + files * mostFileTokens }) }
}

/** The first byte of the value behind a key. */
const valueAt = (bytes: Buffer, from: number): number | undefined => {
  let at = from
  while (bytes[at] === 0x3a || bytes[at]! <= 0x20) at++
  return bytes[at]
}

/** Files that are no images. */
const countFiles = (contents: JsonValue): number => {
  let count = 0
  for (const [content] of items(contents, '')) {
    if (!isObject(content)) continue
    for (const [part] of items(content['parts'], '')) {
      if (isObject(part) && !isImage(part['fileData'] ?? part['file_data'])) count++
      // Files that a function returned.
      const result = isObject(part) ? (part['functionResponse'] ?? part['function_response']) : undefined
      for (const [inner] of items(isObject(result) ? result['parts'] : undefined, ''))
        if (isObject(inner) && !isImage(inner['fileData'] ?? inner['file_data'])) count++
    }
  }
  return count
}

/** Also for what is no file at all. */
const isImage = (file: JsonValue | undefined): boolean => {
  if (!isObject(file)) return true
  const type = file['mimeType'] ?? file['mime_type']
  const uri = file['fileUri'] ?? file['file_uri']
  if (typeof type !== 'string' || !type.startsWith('image/')) return false
  return typeof uri !== 'string' || !/youtu/i.test(uri)
}
