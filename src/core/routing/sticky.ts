import type { ScannedObject } from '../protocols/json-scan.ts'

/** Providers remember prompts from about a thousand tokens on: a shorter beginning is worth no preference. */
const prefixBytes = 2048
const systemFields = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const
const promptFields = ['messages', 'input', 'contents', 'prompt'] as const
const sessionHeader = 'x-session-id'
const sessionField = 'prompt_cache_key'

/**
 * A number that is the same for requests that a provider's prompt cache could serve together: of the session the client names (`x-session-id`, `prompt_cache_key`), else
 * of the first bytes of its prompt. 0 for requests with nothing to remember.
 */
export const stickyHash = (scanned: ScannedObject, headers: Readonly<Record<string, string>>): number => {
  const session = headers[sessionHeader]
  if (session) return hashText(session)
  const named = scanned.fields.get(sessionField)
  if (named && named.valueEnd - named.valueStart > 2) return hashBytes(scanned.bytes, named.valueStart, named.valueEnd)
  return prefix(scanned, systemFields) || prefix(scanned, promptFields)
}

const prefix = ({ bytes, fields }: ScannedObject, names: readonly string[]): number => {
  for (const name of names) {
    const field = fields.get(name)
    if (field && field.valueEnd - field.valueStart >= prefixBytes)
      return hashBytes(bytes, field.valueStart, field.valueStart + prefixBytes)
  }
  return 0
}

/** FNV-1a with a last stir; never 0. */
const hashBytes = (bytes: Buffer, from: number, to: number): number => {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return stir(hash) || 1
}

export const hashText = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return stir(hash) || 1
}

/** Spreads a number over 32 bits (the finish of MurmurHash3). */
export const stir = (value: number): number => {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
