import { defineOperation } from '../kernel/operation.ts'
import type { Operation } from '../kernel/operation.ts'
import { configView, databaseCheckView, databaseStatusView, migrateView, noInput, statusView } from './schemas.ts'
import type { System } from './system.ts'

export interface SystemDomains {
  readonly system: System
}

const define = <Input, Output>(operation: Operation<SystemDomains, Input, Output>) => defineOperation(operation)

export const systemOperations = [
  define({
    id: 'status',
    method: 'GET',
    path: '/status',
    role: 'operator',
    summary: 'What runs here, since when, with how much in it',
    input: noInput,
    output: statusView,
    run: ({ system }) => system.status(),
  }),
  define({
    id: 'config.show',
    method: 'GET',
    path: '/config',
    role: 'admin',
    summary: 'The options this process runs with; secrets are masked',
    input: noInput,
    output: configView,
    run: async ({ system }) => system.config(),
  }),
  define({
    id: 'db.status',
    method: 'GET',
    path: '/db/status',
    role: 'admin',
    summary: 'Version, size and rows of the database',
    input: noInput,
    output: databaseStatusView,
    run: ({ system }) => system.databaseStatus(),
  }),
  define({
    id: 'db.check',
    method: 'GET',
    path: '/db/check',
    role: 'admin',
    summary: 'Check the structure of the database files',
    input: noInput,
    output: databaseCheckView,
    run: ({ system }) => system.databaseCheck(),
  }),
  define({
    id: 'db.migrate',
    method: 'POST',
    path: '/db/migrate',
    role: 'admin',
    summary: 'Bring the database to the schema of this version',
    input: noInput,
    output: migrateView,
    transaction: 'none',
    run: ({ system }) => system.migrate(),
  }),
]
