import { isIP } from 'node:net'
import { resolve } from 'node:path'

/** What an option's value may be. Text from flags and environment and scalars from the file go through the same reader. */
export type OptionType =
  | { readonly kind: 'host' | 'path' | 'key' }
  | { readonly kind: 'integer' | 'bytes' | 'duration'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'url'; readonly schemes: readonly string[] }
  | { readonly kind: 'list'; readonly of: 'cidr' | 'origin' }

/** Says what is wrong in words that continue "GATEWAY_PORT: …". */
export class ValueError extends Error {}

const refuse = (why: string): never => {
  throw new ValueError(why)
}

const text = (value: unknown, what: string): string =>
  typeof value === 'string' && value !== '' ? value : refuse(`${show(value)} is not ${what}`)

const show = (value: unknown): string =>
  value === ''
    ? 'an empty value'
    : typeof value === 'string'
      ? `"${value.slice(0, 60)}"`
      : value instanceof Map
        ? 'a section'
        : JSON.stringify(value)

const within = (number: number, min: number, max: number, unit: string, value: unknown): number =>
  Number.isSafeInteger(number) && number >= min && number <= max
    ? number
    : refuse(`${show(value)} is not between ${min} and ${max}${unit}`)

const units = {
  duration: { ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
  bytes: { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 },
} as const

const measured = (value: unknown, type: { kind: 'bytes' | 'duration'; min: number; max: number }): number => {
  const example = type.kind === 'bytes' ? 'a size such as 32MiB' : 'a time such as 500ms, 30s or 5m'
  if (typeof value === 'number' && type.kind === 'bytes') return within(value, type.min, type.max, ' bytes', value)
  const match = /^(\d{1,12})\s?([A-Za-z]+)?$/.exec(text(value, example))
  const table: Readonly<Record<string, number>> = units[type.kind]
  const unit = match?.[2] ?? (type.kind === 'bytes' ? 'B' : '')
  if (!match || !Object.hasOwn(table, unit)) return refuse(`${show(value)} is not ${example}`)
  return within(Number(match[1]) * table[unit]!, type.min, type.max, type.kind === 'bytes' ? ' bytes' : ' ms', value)
}

const isCidr = (value: string): boolean => {
  const [address, prefix, ...rest] = value.split('/')
  const version = isIP(address ?? '')
  if (version === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
}

const isOrigin = (value: string): boolean => {
  const url = URL.parse(value)
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === value
}

const list = (value: unknown, of: 'cidr' | 'origin'): readonly string[] => {
  const items: unknown[] = Array.isArray(value) ? value : text(value, 'a list').split(',')
  const what = of === 'cidr' ? 'a network such as 10.0.0.0/8' : 'an origin such as https://console.example.com'
  return items.map((item) => {
    const entry = text(typeof item === 'string' ? item.trim() : item, what)
    return (of === 'cidr' ? isCidr(entry) : isOrigin(entry)) ? entry : refuse(`${show(entry)} is not ${what}`)
  })
}

const isHostName = (value: string): boolean =>
  isIP(value) > 0 || (value.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(value))

/** The value as its type, or a ValueError. `baseDir` is what relative paths are relative to. Never quotes a secret. */
export const readValue = (type: OptionType, value: unknown, baseDir: string): unknown => {
  switch (type.kind) {
    case 'host': {
      const host = text(value, 'a host name or address')
      return isHostName(host) ? host : refuse(`${show(value)} is not a host name or address`)
    }
    case 'path':
      return resolve(baseDir, text(value, 'a path'))
    case 'key':
      if (typeof value !== 'string' || !isMasterKey(value))
        refuse(
          'it must be 32 random bytes in hex (64 digits) or base64 (44 characters); make one with: openssl rand -hex 32',
        )
      return value
    case 'integer': {
      const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
      return typeof number === 'number' && Number.isInteger(number)
        ? within(number, type.min, type.max, '', value)
        : refuse(`${show(value)} is not a whole number`)
    }
    case 'bytes':
    case 'duration':
      return measured(value, { kind: type.kind, min: type.min, max: type.max })
    case 'choice':
      return typeof value === 'string' && type.values.includes(value)
        ? value
        : refuse(`${show(value)} is not one of ${type.values.join(', ')}`)
    case 'url': {
      const url = typeof value === 'string' ? URL.parse(value) : null
      return url !== null && type.schemes.includes(url.protocol)
        ? value
        : refuse(`it must be a URL that begins with ${type.schemes.map((scheme) => `${scheme}//`).join(' or ')}`)
    }
    case 'list':
      return list(value, type.of)
  }
}

/** 32 bytes of a master key in hex or base64, or null. */
export const decodeMasterKey = (value: string): Buffer | null => {
  const encoding = /^[0-9a-fA-F]{64}$/.test(value) ? 'hex' : /^[A-Za-z0-9+/_-]{43}=?$/.test(value) ? 'base64' : null
  return encoding && Buffer.from(value, encoding)
}

/** Also refuses what no random source gives, such as a sample of one repeated character. */
const isMasterKey = (value: string): boolean => {
  const bytes = decodeMasterKey(value)
  return bytes !== null && bytes.length === 32 && new Set(bytes).size >= 8
}
