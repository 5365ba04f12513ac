import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * Secrets we hand out: prefix, 43 characters of base 62 (32 random bytes), 6 characters of CRC-32 over all before. The checksum tells a mistyped or invented
 * secret from a real one without I/O, and lets secret scanners know ours; it adds no strength and takes none.
 */
export interface CredentialFormat {
  create(): string
  /** Whether the text is whole and its checksum fits. Says nothing about whether it was ever issued. */
  isWellFormed(text: string): boolean
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bodyLength = 43
const checksumLength = 6
const base62 = /^[0-9A-Za-z]+$/

const encode = (value: bigint, length: number): string => {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = alphabet[Number(rest % 62n)]! + text
  return text
}

const checksum = (text: string): string => {
  let rest = crc32(text)
  let sum = ''
  for (let i = 0; i < checksumLength; i++) {
    sum = alphabet[rest % 62]! + sum
    rest = Math.floor(rest / 62)
  }
  return sum
}

export const credentialFormat = (prefix: string): CredentialFormat => {
  const length = prefix.length + bodyLength + checksumLength
  return {
    create() {
      const text = prefix + encode(BigInt(`0x${randomBytes(32).toString('hex')}`), bodyLength)
      return text + checksum(text)
    },
    isWellFormed: (text) =>
      text.length === length &&
      text.startsWith(prefix) &&
      base62.test(text.slice(prefix.length)) &&
      checksum(text.slice(0, -checksumLength)) === text.slice(-checksumLength),
  }
}
