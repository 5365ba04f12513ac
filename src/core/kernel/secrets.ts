import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { GatewayError } from './errors.ts'

/** Lower-case hex SHA-256 of a string: how API keys and tokens are stored and looked up (they are random, so a slow hash would add nothing). */
export const sha256 = (text: string): string => hash('sha256', text, 'hex')

export const sameSecret = (left: string, right: string): boolean =>
  timingSafeEqual(Buffer.from(sha256(left), 'hex'), Buffer.from(sha256(right), 'hex'))

/** Seals secrets at rest. `context` (the row's id) is authenticated, so that a sealed value moved to another row does not open. */
export interface Vault {
  seal(plain: string, context: string): string
  open(sealed: string, context: string): string
}

/** AES-256-GCM under a key derived by HKDF-SHA256 from the master key. Format: `v1.<nonce>.<ciphertext and tag>`, base64url. */
export const createVault = (masterKey: Buffer): Vault => {
  const key = Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), 'tollgate provider keys', 32))
  return {
    seal(plain, context) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `v1.${nonce.toString('base64url')}.${body.toString('base64url')}`
    },
    open(sealed, context) {
      const [version, nonce, body] = sealed.split('.')
      try {
        if (version !== 'v1' || !nonce || !body) throw new Error('unknown format')
        const bytes = Buffer.from(body, 'base64url')
        const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url')).setAAD(
          Buffer.from(context),
        )
        cipher.setAuthTag(bytes.subarray(-16))
        return Buffer.concat([cipher.update(bytes.subarray(0, -16)), cipher.final()]).toString('utf8')
      } catch (cause) {
        const hint = 'Is this the master key the database was created with?'
        throw new GatewayError('internal_error', 'A sealed secret cannot be opened.', { hint }, { cause })
      }
    },
  }
}

/** Seals bytes that clients carry for us: AES-256-GCM, nonce in front, tag behind. One key per purpose, derived by HKDF-SHA256 from the master key. */
export interface Sealer {
  seal(plain: Buffer): Buffer
  /** Undefined for what was not sealed here, or was changed. */
  open(sealed: Buffer): Buffer | undefined
}

const nonceBytes = 12
const tagBytes = 16

export const createSealer = (masterKey: Buffer, purpose: string): Sealer => {
  const key = Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), purpose, 32))
  return {
    seal(plain) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed) {
      if (sealed.length < nonceBytes + tagBytes) return undefined
      try {
        const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes))
        cipher.setAuthTag(sealed.subarray(-tagBytes))
        return Buffer.concat([cipher.update(sealed.subarray(nonceBytes, -tagBytes)), cipher.final()])
      } catch {
        return undefined
      }
    },
  }
}
