import { z } from 'zod'
import {
  positiveCreditsField,
  referenceField,
  signedCreditsField,
  textField,
  timestampField,
} from '../kernel/fields.ts'
import { pageInput, pageOf } from '../kernel/page.ts'

const user = referenceField.describe('E-mail address or id.')
const owner = z.object({ id: z.string(), email: z.string() })

export const grantInput = z.strictObject({
  user,
  amount: positiveCreditsField,
  note: textField(500).optional(),
  expires_at: timestampField.optional(),
})
export const adjustInput = z.strictObject({ user, amount: signedCreditsField, note: textField(500) })
export const reverseInput = z.strictObject({
  charge: z.string().regex(/^(txn|req)_[0-9a-z]{26}$/, 'Write the id of a charge (txn_…) or of a request (req_…).'),
  note: textField(500).optional(),
})

/** A movement of money as the owner of the wallet sees it: plus came in, minus went out. */
export const movementView = z.object({
  id: z.string(),
  kind: z.enum(['grant', 'charge', 'write_off', 'adjustment', 'reversal', 'expiry']),
  amount: z.string(),
  note: z.string().nullable(),
  actor: z.string().nullable(),
  request_id: z.string().nullable(),
  created_at: z.string(),
  balance_after: z.string().describe('Posted balance after this movement; open holds are not subtracted.'),
})

export const bookedView = z.object({
  id: z.string(),
  kind: z.enum(['grant', 'adjustment', 'reversal']),
  amount: z.string(),
  user: owner,
  balance: z.object({ available: z.string(), held: z.string() }),
  note: z.string().nullable(),
  created_at: z.string(),
})

export const balanceInput = z.strictObject({ user })
export const balanceView = z.object({
  user: owner,
  available: z.string(),
  held: z.string(),
  granted: z
    .string()
    .describe('All grants. Available and held together are granted plus adjusted minus spent minus expired.'),
  adjusted: z.string().describe('Sum of all adjustments, signed.'),
  spent: z.string().describe('All charges, less what was reversed.'),
  expired: z.string(),
})

export const historyInput = z.strictObject({ user, ...pageInput })
export const historyPage = pageOf(movementView)

export const verifyInput = z.strictObject({})
export const verifyView = z.object({
  ok: z.boolean(),
  accounts: z.number(),
  transfers: z.number(),
  holds_open: z.number(),
  problems: z.array(z.string()).describe('The first bad rows.'),
})
