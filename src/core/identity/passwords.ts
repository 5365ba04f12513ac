import { availableParallelism } from 'node:os'
import { GatewayError } from '../kernel/errors.ts'

export interface PasswordHasher {
  /** argon2id of a new password. Throws `invalid_request` for a weak one, `overloaded` when too many wait. */
  hash(password: string, email: string): Promise<string>
}

/** OWASP's lower memory setting, about 30 ms. Every running hash takes 19 MiB and one thread of the pool that DNS shares, hence few at a time. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
const shortest = 15
const longest = 1024

export const createPasswordHasher = ({
  concurrency = Math.max(1, Math.min(4, availableParallelism() >> 1)),
  queue = 64,
} = {}): PasswordHasher => {
  let running = 0
  const waiting: (() => void)[] = []

  const enter = async (): Promise<void> => {
    if (running < concurrency) {
      running++
      return
    }
    if (waiting.length >= queue) {
      throw new GatewayError('overloaded', 'Too many passwords are being set. Try again in a few seconds.', {
        retryAfter: 5,
      })
    }
    await new Promise<void>((resolve) => waiting.push(resolve))
  }

  // The place of the one that leaves goes to the one that has waited longest; `running` counts both.
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else running--
  }

  return {
    async hash(password, email) {
      const normal = password.normalize('NFC')
      assertAcceptable(normal, email)
      await enter()
      try {
        // Loaded on first use: a native module that most commands never need.
        const argon2 = await import('argon2')
        return await argon2.hash(normal, { ...cost, type: argon2.argon2id })
      } finally {
        leave()
      }
    },
  }
}

const assertAcceptable = (password: string, email: string): void => {
  const refuse = (message: string): never => {
    throw new GatewayError('invalid_request', `password: ${message}`, {
      param: 'password',
      fields: [{ path: 'password', message }],
    })
  }
  if (password.length < shortest) refuse(`Use at least ${shortest} characters, for example four random words.`)
  if (password.length > longest || Buffer.byteLength(password) > 4 * longest)
    refuse(`Use at most ${longest} characters.`)
  if (password.trim() === '' || new Set(password).size < 5) refuse('Use more than a few different characters.')
  if (password.toLowerCase() === email) refuse('Do not use the e-mail address.')
}
