import { sql } from 'kysely'
import type { SelectQueryBuilder } from 'kysely'
import type { Place } from '../kernel/list-order.ts'

/** Orders and bounds a query for one page and one row more, which says whether another page follows. */
export const inOrder = <DB, Tables extends keyof DB, Output, Row>(
  query: SelectQueryBuilder<DB, Tables, Output>,
  { keys, descending, after, skip, limit }: Place<Row>,
): SelectQueryBuilder<DB, Tables, Output> => {
  const columns = keys.map(({ column }) => sql.ref(column))
  let ordered = query
  if (after) {
    // A row value, because the same condition written with `or` is not answered from an index.
    const than = sql.raw(descending ? '<' : '>')
    ordered = ordered.where(sql<boolean>`(${sql.join(columns)}) ${than} (${sql.join([...after])})`)
  }
  for (const column of columns) ordered = ordered.orderBy(column, descending ? 'desc' : 'asc')
  ordered = ordered.limit(limit + 1)
  return skip > 0 ? ordered.offset(skip) : ordered
}
