/** What the text of a JSON string holds that may be a file in base64, and how many bytes that is. `sealed`: nothing that a model reads as text. */
export interface Media {
  readonly kind: 'image' | 'document' | 'audio' | 'text' | 'sealed'
  readonly bytes: number
}

/** As much of a string as is looked at, whatever its length. */
const glance = 128
const dataUrl = /^data:([^;,]*)[^,]*,/iu
const address = /^(?:https?|gs):\/\//iu
/** Shorter runs without spaces are words as well. */
const shortestBase64 = 64
const base64 = /^(?:[A-Za-z0-9+_-]|\\?\/)+={0,2}$/u

/** How files begin in base64: JPEG, PNG, GIF, WebP; PDF; MP3, FLAC, Ogg, WAVE, MP4. */
const beginnings: readonly (readonly [RegExp, Media['kind']])[] = [
  [/^(?:\/9j\/|iVBORw0K|R0lGOD|UklGR.{7}RUJQ)/u, 'image'],
  [/^JVBERi/u, 'document'],
  [/^(?:SUQz|\/\/[suMv]|ZkxhQ|T2dnU|UklGR.{7}QVZF|AAAA.GZ0eX)/u, 'audio'],
]

export const startsData = (bytes: Buffer, from: number): boolean =>
  bytes[from] === 0x64 &&
  bytes[from + 1] === 0x61 &&
  bytes[from + 2] === 0x74 &&
  bytes[from + 3] === 0x61 &&
  bytes[from + 4] === 0x3a

/** `from` and `end`: the string without its quotes. */
export const mediaOf = (bytes: Buffer, from: number, end: number): Media => {
  const shown = bytes.toString('latin1', from, Math.min(end, from + glance))
  if (address.test(shown)) return { kind: 'document', bytes: 0 }
  const url = dataUrl.exec(shown)
  const start = shown.slice(url?.[0].length ?? 0).replaceAll('\\/', '/')
  const size = Math.floor(((end - from - (url?.[0].length ?? 0)) * 3) / 4)
  const kind = (url && kindOfType(url[1]!)) ?? beginnings.find(([begins]) => begins.test(start))?.[1]
  if (kind) return { kind, bytes: size }
  if (!url && (end - from < shortestBase64 || !base64.test(start))) return { kind: 'text', bytes: end - from }
  return isText(Buffer.from(start, 'base64')) ? { kind: 'text', bytes: size } : { kind: 'sealed', bytes: size }
}

const kindOfType = (type: string): Media['kind'] | undefined => {
  const [family] = type.toLowerCase().split('/')
  if (family === 'image') return 'image'
  if (family === 'audio' || family === 'video') return 'audio'
  return type.toLowerCase() === 'application/pdf' ? 'document' : undefined
}

/** Whether bytes are printed signs and white space, or letters of other scripts. */
const isText = (bytes: Buffer): boolean =>
  bytes.length > 0 &&
  bytes.every((byte) => (byte >= 0x20 ? byte !== 0x7f : byte === 0x09 || byte === 0x0a || byte === 0x0d))
