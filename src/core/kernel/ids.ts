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

const digits = Buffer.from(alphabet)
const timeLength = 10
const randomLength = 16
/** The letters of an id are put together here and become one text at the end. */
const scratch = Buffer.alloc(timeLength + randomLength)
let writtenTime = -1

/**
 * A new id: prefix, 48 bits of time, 80 random bits, Crockford base 32 in lower case (`req_01k…`). Ids of one process sort by creation to the millisecond.
 */
export const newId = (kind: IdKind, now: number = Date.now()): string => {
  for (let at = timeLength; at < scratch.length; at++) scratch[at] = digits[randomByte() & 31]!
  return `${idPrefix[kind]}_${textAt(now)}`
}

/** The id of what `source` names: always the same one. */
export const derivedId = (kind: IdKind, at: number, source: string): string => {
  const bytes = hash('sha256', source, 'buffer')
  for (let index = 0; index < randomLength; index++) scratch[timeLength + index] = digits[bytes[index]! & 31]!
  return `${idPrefix[kind]}_${textAt(at)}`
}

/** The scratch with this time in front. Most ids are made in the same millisecond as the one before. */
const textAt = (now: number): string => {
  if (now !== writtenTime) {
    writtenTime = now
    for (let rest = now, at = timeLength - 1; at >= 0; at--) {
      scratch[at] = digits[rest % 32]!
      rest = Math.floor(rest / 32)
    }
  }
  return scratch.toString('latin1')
}

export const isId = (kind: IdKind, value: string): boolean =>
  value.startsWith(`${idPrefix[kind]}_`) && value.length === 30
