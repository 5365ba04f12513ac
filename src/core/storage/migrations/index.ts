import type { DatabaseName } from '../connection.ts'
import { initialGateway } from './0001-initial.ts'
import { initialUsage } from './0001-usage.ts'
import { crossing } from './0002-crossing.ts'
import { usageResponses } from './0002-usage-responses.ts'
import { providerSettings } from './0003-provider-settings.ts'
import type { Migration } from './migration.ts'

export type Migrations = Readonly<Record<DatabaseName, readonly Migration[]>>

/** Every migration of each database, in order. To add one: a file and a line. */
export const migrations: Migrations = {
  gateway: [initialGateway, crossing, providerSettings],
  usage: [initialUsage, usageResponses],
}
