import { createHmac } from 'node:crypto'
import { GatewayError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { WriteTransaction } from '../storage/storage.ts'
import * as repository from './repository.ts'

/** One write under one Idempotency-Key. Keys belong to an operation and an actor. */
export interface IdempotentCall {
  readonly operation: string
  readonly actor: string
  readonly key: string
  readonly input: unknown
}

const keptMs = 30 * 24 * 3_600_000

/** Throws `invalid_request` unless it is 1 to 255 visible ASCII characters. */
export const assertIdempotencyKey = (key: string): void => {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return
  throw new GatewayError(
    'invalid_request',
    'Idempotency-Key: use 1 to 255 visible ASCII characters, for example a UUID.',
    {
      param: 'Idempotency-Key',
    },
  )
}

/**
 * Runs a write at most once per key: the first output is kept for thirty days and answered again for the same input; another input is `idempotency_mismatch`.
 * Only success is kept, in the transaction of the write, so a refused or failed call may be repeated. Of the key only a hash is stored, and the hash of the
 * input is keyed with it, so that the row gives no hold to guess a password in the input. A secret in the output is not kept: the repeated answer says null.
 */
export const once = async <Output>(
  call: IdempotentCall,
  trx: WriteTransaction,
  now: number,
  run: () => Promise<Output>,
): Promise<unknown> => {
  const id = `${call.operation}:${call.actor}:${sha256(call.key)}`
  const inputHash = createHmac('sha256', call.key).update(canonical(call.input)).digest('hex')
  await repository.deleteIdempotentBefore(trx.db, now - keptMs)
  const earlier = await repository.findIdempotent(trx.db, id)
  if (earlier) {
    if (earlier.input_hash !== inputHash) throw new GatewayError('idempotency_mismatch')
    return JSON.parse(earlier.output) as unknown
  }
  const output = await run()
  const kept = JSON.stringify(withoutSecret(output))
  await repository.insertIdempotent(trx.db, { id, input_hash: inputHash, output: kept, created_at: now })
  return output
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const withoutSecret = (output: unknown): unknown =>
  isObject(output) && 'secret' in output ? { ...output, secret: null } : output

/** JSON with the keys of every object in order, so that the order in which a client writes fields does not matter. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, item: unknown) =>
    isObject(item) ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1))) : item,
  )
