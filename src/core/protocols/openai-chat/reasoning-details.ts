import type { JsonObject } from '../neutral/index.ts'

/**
 * Sealed reasoning state as an entry of `reasoning_details`, the list that OpenRouter's clients give back unchanged. `call` is the id of the tool call that it stands in
 * front of, so that it finds its place again.
 */
export const encodeState = (data: string, index: number, call: string | null): JsonObject => ({
  type: 'reasoning.encrypted',
  id: call,
  format: 'tollgate-v1',
  index,
  data,
})
