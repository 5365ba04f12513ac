import { defineOperation } from '../kernel/operation.ts'
import type { Audit } from './audit.ts'
import { auditPage, listAuditInput } from './schemas.ts'

export interface AuditDomains {
  readonly audit: Audit
}

export const auditOperations = [
  defineOperation({
    id: 'audit.list',
    method: 'GET',
    path: '/audit-logs',
    role: 'admin',
    summary: 'List administrative acts, the newest first',
    input: listAuditInput,
    output: auditPage,
    run: ({ audit }: AuditDomains, input) => audit.list(input),
  }),
]
