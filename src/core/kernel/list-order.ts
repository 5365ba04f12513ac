import { z } from 'zod'
import { GatewayError } from './errors.ts'
import { decodeCursor, pageInput, toPage } from './page.ts'

/** One column that rows are ordered by, and its value in a row. */
export interface SortKey<Row> {
  readonly column: string
  readonly kind: 'text' | 'integer'
  readonly of: (row: Row) => string | number
}

/** What a list can be sorted by: for each field its columns, all in one direction and never null. The last one is unique, so that every row has one place. */
export type Orders<Row> = Readonly<Record<string, readonly SortKey<Row>[]>>

export const text = <Row>(column: string, of: (row: Row) => string): SortKey<Row> => ({ column, kind: 'text', of })
export const integer = <Row>(column: string, of: (row: Row) => number): SortKey<Row> => ({
  column,
  kind: 'integer',
  of,
})

/** Which rows of a list are wanted. */
export interface Place<Row> {
  readonly keys: readonly SortKey<Row>[]
  readonly descending: boolean
  /** Values of the keys in the row before. */
  readonly after: readonly (string | number)[] | undefined
  /** Rows to leave out, instead of `after`. */
  readonly skip: number
  readonly limit: number
  /** Cuts rows that were read with `limit + 1` to a page. */
  page<Item>(rows: readonly Row[], show: (row: Row) => Item): { data: Item[]; next_cursor: string | null }
}

export interface PlaceQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly page?: number | undefined
  readonly sort?: string | undefined
}

const lastPage = 100_000

/** Fields of the input of a list that can be sorted by `fields`. `normal` is the order without `sort`. */
export const listInput = (normal: string, fields: readonly string[]) => ({
  ...pageInput,
  page: z.coerce
    .number()
    .int()
    .min(1)
    .max(lastPage)
    .optional()
    .describe('Number of the page, from 1, instead of `cursor`. Rows that come or go meanwhile move the pages.'),
  sort: z
    .enum(fields.flatMap((field) => [field, `-${field}`]))
    .optional()
    .describe(`Field to sort by, with - in front for the largest first; ${normal} if absent.`),
})

/** Where a query stands in a list. Throws `invalid_request` for a cursor of another list or order, and for a cursor together with a page. */
export const placeOf = <Row>(query: PlaceQuery, normal: string, orders: Orders<Row>): Place<Row> => {
  const { cursor, page, limit, sort = normal } = query
  if (cursor !== undefined && page !== undefined)
    throw new GatewayError('invalid_request', 'page: send either page or cursor.', { param: 'page' })
  const descending = sort.startsWith('-')
  const keys = orders[descending ? sort.slice(1) : sort]
  if (!keys)
    throw new GatewayError('invalid_request', `sort: this list cannot be sorted by ${sort}.`, { param: 'sort' })
  const shape = z.tuple([z.literal(sort), ...keys.map(({ kind }) => (kind === 'text' ? z.string() : z.int()))] as [
    z.ZodLiteral<string>,
    ...(z.ZodString | z.ZodInt)[],
  ])
  const [, ...after] = cursor === undefined ? [] : decodeCursor<readonly (string | number)[]>(cursor, shape)
  return {
    keys,
    descending,
    after: cursor === undefined ? undefined : after,
    skip: page === undefined ? 0 : (page - 1) * limit,
    limit,
    page: (rows, show) => toPage(rows, limit, (row) => [sort, ...keys.map((key) => key.of(row))], show),
  }
}
