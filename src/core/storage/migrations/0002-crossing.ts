import type { Migration } from './migration.ts'

/** How a shadow model treats what the target's protocol cannot say exactly. */
export const crossing: Migration = {
  id: '0002-crossing',
  sqlite: [
    `alter table models add column strict integer not null default 0 check (strict in (0, 1))`,
    `alter table models add column drop_unsupported_tools integer not null default 0 check (drop_unsupported_tools in (0, 1))`,
  ],
}
