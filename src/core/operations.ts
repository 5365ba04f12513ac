import type { Audit } from './audit/audit.ts'
import { assertIdempotencyKey, once } from './audit/idempotency.ts'
import { auditOperations } from './audit/operations.ts'
import { catalogOperations } from './catalog/operations.ts'
import { userOperations } from './identity/operations.ts'
import { tokenOperations } from './identity/token-operations.ts'
import type { Clock } from './kernel/clock.ts'
import { GatewayError } from './kernel/errors.ts'
import { newId } from './kernel/ids.ts'
import type { Actor, Operation, OperationContext, Role } from './kernel/operation.ts'
import { validate } from './kernel/validation.ts'
import { keyOperations } from './keys/operations.ts'
import { creditOperations } from './ledger/operations.ts'
import { pricingOperations } from './pricing/operations.ts'
import type { Storage, WriteTransaction } from './storage/storage.ts'
import { systemOperations } from './system/operations.ts'
import { usageOperations } from './usage/operations.ts'

const all = [
  ...userOperations,
  ...keyOperations,
  ...creditOperations,
  ...tokenOperations,
  ...auditOperations,
  ...catalogOperations,
  ...pricingOperations,
  ...usageOperations,
  ...systemOperations,
]

/** The whole administrative surface. A new operation joins the list of its domain and needs nothing else. */
export const operations: readonly Operation[] = Object.freeze(all)

type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer Whole) => void
  ? Whole
  : never

/** What the operations need of an app: the runner's own parts, and every domain that some operation names. */
export type AdminApp = {
  readonly storage: Storage
  readonly clock: Clock
  readonly audit: Audit
  /** Resolves when this process acts on what was just written: a key works, or stops to, as soon as its operation has answered. */
  readonly refreshed?: () => Promise<void>
} & Intersection<Parameters<(typeof all)[number]['run']>[0]>

export interface RunOptions {
  /** Id under which the act is audited; a new one if absent. */
  readonly requestId?: string | undefined
  readonly idempotencyKey?: string | undefined
  /** Refuses writes of money without `idempotencyKey`. For callers that may repeat a call whose answer they never saw. */
  readonly requireIdempotencyKey?: boolean
}

const byId = new Map(operations.map((operation) => [operation.id, operation]))
const rank: Readonly<Record<Role, number>> = { user: 0, operator: 1, admin: 2 }

/** Throws `not_found`. */
export const findOperation = (id: string): Operation => {
  const operation = byId.get(id)
  if (!operation) throw new GatewayError('not_found', `There is no operation "${id.slice(0, 80)}".`)
  return operation
}

/**
 * Runs one operation the way every caller must: role, validation (unknown fields are refused), then for writes one transaction that holds the work, the
 * audit row and the memory of its Idempotency-Key, and last the output cut to its schema. Throws GatewayError; a refused operation has changed nothing.
 */
export const runOperation = async (
  app: AdminApp,
  actor: Actor,
  id: string,
  input: unknown,
  options: RunOptions = {},
): Promise<unknown> => {
  const operation = findOperation(id)
  if (rank[actor.role] < rank[operation.role]) {
    throw new GatewayError('forbidden', `${id} needs the role ${operation.role}.`)
  }
  const { idempotencyKey } = options
  if (idempotencyKey !== undefined) assertIdempotencyKey(idempotencyKey)
  else if (operation.money && options.requireIdempotencyKey) throw new GatewayError('idempotency_required')
  const valid = validate(operation.input, input)

  const domains = app as never
  const prepared = operation.prepare ? await operation.prepare(domains, valid) : valid
  const context = {
    actor,
    now: app.clock.now(),
    requestId: options.requestId ?? newId('request'),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  }
  const { action, writes } = { action: operation.audit, writes: isWrite(operation) }

  const run = async (trx: WriteTransaction | undefined): Promise<unknown> =>
    operation.output.parse(await operation.run(domains, prepared, { ...context, trx } as OperationContext<never>))
  const audit = async (output: unknown, trx: WriteTransaction): Promise<void> => {
    if (action === undefined) return
    const entry = { action, target: targetOf(operation, valid, output), details: valid }
    await app.audit.append(entry, { ...context, trx })
  }

  if (!writes) {
    const output = await run(undefined)
    // Work that waits for something outside cannot keep a transaction open; its act is recorded when it is done.
    if (action !== undefined) await app.storage.write((trx) => audit(output, trx))
    return output
  }
  const output = await app.storage.write(async (trx) => {
    const work = async (): Promise<unknown> => {
      const output = await run(trx)
      await audit(output, trx)
      return output
    }
    if (idempotencyKey === undefined) return work()
    return once({ operation: id, actor: actor.id, key: idempotencyKey, input: valid }, trx, context.now, work)
  })
  await app.refreshed?.()
  return output
}

const isWrite = ({ method, transaction }: Operation): boolean =>
  (transaction ?? (method === 'GET' ? 'none' : 'write')) === 'write'

/** Id of what came out, else what the path of the operation names. */
const targetOf = ({ path }: Operation, input: unknown, output: unknown): string | null => {
  const text = (of: unknown, name: string): string | null => {
    const value: unknown = typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined
    return typeof value === 'string' ? value : null
  }
  const parameter = /:([a-z_]+)/.exec(path)?.[1]
  return text(output, 'id') ?? (parameter === undefined ? null : text(input, parameter))
}
