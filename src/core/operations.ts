import { auditOperations } from './audit/operations.ts'
import { catalogOperations } from './catalog/operations.ts'
import { userOperations } from './identity/operations.ts'
import { tokenOperations } from './identity/token-operations.ts'
import type { Operation } from './kernel/operation.ts'
import { keyOperations } from './keys/operations.ts'
import { creditOperations } from './ledger/operations.ts'
import { pricingOperations } from './pricing/operations.ts'
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
