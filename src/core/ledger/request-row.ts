import type { RequestsTable } from '../storage/schema.ts'

/** Columns of the request log in the order in which they are bound. */
export const requestColumns = [
  'id',
  'hold_id',
  'at',
  'user_id',
  'key_id',
  'model',
  'model_id',
  'provider_id',
  'provider_key_id',
  'target_model',
  'client_protocol',
  'provider_protocol',
  'stream',
  'status',
  'error_code',
  'finish',
  'duration_ms',
  'first_byte_ms',
  'input_uncached',
  'input_cache_read',
  'input_cache_write_5m',
  'input_cache_write_1h',
  'output_visible',
  'output_reasoning',
  'cost',
  'written_off',
  'held',
  'price_id',
  'quality',
  'upstream_id',
  'client_request_id',
  'attempts',
  'warnings',
] as const satisfies readonly (keyof RequestsTable)[]

/** A row of the request log as commands carry it: values in the order of the columns. Their names would be a third of what a settlement has to say. */
export type RequestValues = (string | number | null)[]

export const requestValues = (row: RequestsTable): RequestValues => requestColumns.map((column) => row[column])

const costAt = requestColumns.indexOf('cost')
const writtenOffAt = requestColumns.indexOf('written_off')

const statusAt = requestColumns.indexOf('status')
const errorCodeAt = requestColumns.indexOf('error_code')

/** The row of an exchange whose client was told that its end could not be booked, and was booked after all. A client that had left was told nothing. */
export const sayUnbooked = (values: RequestValues): RequestValues =>
  values[errorCodeAt] === 'client_closed' ? values : values.with(statusAt, 503).with(errorCodeAt, 'storage_unavailable')

/** Fills in what only the ledger knows. */
export const fillCost = (values: RequestValues, cost: number, writtenOff: number): RequestValues => {
  values[costAt] = cost
  values[writtenOffAt] = writtenOff
  return values
}
