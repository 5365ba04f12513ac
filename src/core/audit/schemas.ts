import { z } from 'zod'
import { listInput } from '../kernel/list-order.ts'
import { pageOf } from '../kernel/page.ts'

export const auditView = z.object({
  id: z.string(),
  at: z.string(),
  actor: z.string(),
  action: z.string(),
  target: z.string().nullable(),
  details: z.record(z.string(), z.json()),
  request_id: z.string().nullable(),
})
export type AuditView = z.infer<typeof auditView>

export const listAuditInput = z.strictObject({
  actor: z.string().min(1).max(256).optional(),
  action: z.string().min(1).max(100).optional(),
  target: z.string().min(1).max(256).optional(),
  ...listInput('-at', ['at']),
})
export const auditPage = pageOf(auditView)
