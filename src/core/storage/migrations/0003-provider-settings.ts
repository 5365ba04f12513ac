import type { Migration } from './migration.ts'

/** What fills the address of a provider, and how its server differs from others of its kind. */
export const providerSettings: Migration = {
  id: '0003-provider-settings',
  sqlite: [
    `alter table providers add column settings text check (settings is null or json_valid(settings))`,
    `alter table providers add column quirks text check (quirks is null or json_valid(quirks))`,
  ],
}
