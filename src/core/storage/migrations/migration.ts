/**
 * One step of a database's schema. It runs whole in one transaction together with the row that says it ran, so that a process killed in the middle leaves the
 * old schema. Never edit one that was released: add the next. Statements are per dialect because tables are where dialects differ.
 */
export interface Migration {
  /** `0001-initial`: number and name; the number is its place in the list. */
  readonly id: string
  readonly sqlite: readonly string[]
}
