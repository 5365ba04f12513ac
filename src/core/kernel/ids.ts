import { hash, randomFillSync } from 'node:crypto'

/** What an id names; the prefix tells people and logs. Secrets never share a prefix with ids (see secrets.ts). */
export const idPrefix = {
  user: 'usr',
  team: 'tem',
  key: 'key',
  model: 'mdl',
  target: 'tgt',
  price: 'prc',
  provider: 'prv',
  providerKey: 'pvk',
  account: 'acc',
  transfer: 'txn',
  hold: 'hld',
  grant: 'grt',
  request: 'req',
  audit: 'aud',
  token: 'tok',
} as const

export type IdKind = keyof typeof idPrefix

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const pool = Buffer.allocUnsafe(4096)
let used = pool.length

const randomByte = (): number => {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool[used++]!
}

/**
 * A new id: prefix, 48 bits of time, 80 random bits, Crockford base 32 in lower case (`req_01k…`). Ids of one process sort by creation to the millisecond.
 */
export const newId = (kind: IdKind, now: number = Date.now()): string => {
  let random = ''
  for (let i = 0; i < 16; i++) random += alphabet[randomByte() & 31]!
  return `${idPrefix[kind]}_${timeText(now)}${random}`
}

/** The id of what `source` names: always the same one. */
export const derivedId = (kind: IdKind, at: number, source: string): string => {
  let text = ''
  for (const byte of hash('sha256', source, 'buffer').subarray(0, 16)) text += alphabet[byte & 31]!
  return `${idPrefix[kind]}_${timeText(at)}${text}`
}

const timeText = (at: number): string => {
  let time = ''
  for (let rest = at, i = 0; i < 10; i++) {
    time = alphabet[rest % 32]! + time
    rest = Math.floor(rest / 32)
  }
  return time
}

export const isId = (kind: IdKind, value: string): boolean =>
  value.startsWith(`${idPrefix[kind]}_`) && value.length === 30
