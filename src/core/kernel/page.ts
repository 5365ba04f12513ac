import { z } from 'zod'
import { GatewayError } from './errors.ts'

/** Fields of the input of every list. Values come from JSON or from a query string, hence the coercion. */
export const pageInput = {
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('Most rows to return, at most 500.'),
  cursor: z.string().min(1).max(1024).optional().describe('`next_cursor` of the page before.'),
}

/** The output of every list: `{ data, next_cursor }`. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ data: z.array(item), next_cursor: z.string().nullable() })

/** An opaque cursor: the sort values of the last row. It is a position, not a permission; whoever sends it sees what they may see anyway. */
export const encodeCursor = (position: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')

/** The position in a cursor. Throws `invalid_request` for anything that is not one of ours for this list. */
export const decodeCursor = <Position>(cursor: string, shape: z.ZodType<Position>): Position => {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    value = undefined
  }
  const parsed = shape.safeParse(value)
  if (!parsed.success)
    throw new GatewayError(
      'invalid_request',
      'cursor: this is not a cursor of this list. Use "next_cursor" of the page before.',
      { param: 'cursor' },
    )
  return parsed.data
}

/** Cuts rows that were read with `limit + 1` to a page. */
export const toPage = <Row, Item>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => readonly (string | number)[],
  show: (row: Row) => Item,
) => {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    data: shown.map(show),
    next_cursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null,
  }
}
