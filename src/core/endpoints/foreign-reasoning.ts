import type { Sealer } from '../kernel/secrets.ts'
import { scanObject, type ScannedObject, splice } from '../protocols/json-scan.ts'
import type { JsonValue, Warning } from '../protocols/neutral/index.ts'
import { isOwnReasoningId } from '../protocols/openai-responses/ids.ts'
import { itemPlaces, removeItems } from '../protocols/openai-responses/input-items.ts'
import { isObject } from '../protocols/read.ts'
import { isSealed, sealPrefix } from '../protocols/sealed.ts'
import { belongsTo, lostState, openState, type StateOwner } from './sealed-state.ts'

export interface WithoutForeignReasoning {
  readonly scanned: ScannedObject
  readonly warnings: readonly Warning[]
}

/**
 * A Responses body for a server of the same protocol, without the reasoning that other providers' models gave to the client: those items are cut out of the bytes, and
 * nothing else is touched. Undefined when bytes are not enough: state of this very provider, which must be opened, or nothing left of the input.
 */
export const withoutForeignReasoning = (
  scanned: ScannedObject,
  sealer: Sealer,
  owner: StateOwner,
): WithoutForeignReasoning | undefined => {
  const { bytes, fields } = scanned
  const input = fields.get('input')
  if (!input || bytes[input.valueStart] !== 0x5b || !bytes.includes(sealPrefix)) return { scanned, warnings: [] }
  const places = itemPlaces(bytes, input.valueStart, input.valueEnd)
  const warnings: Warning[] = []
  const foreign = new Set<number>()
  for (const [index, { start, end }] of places.entries()) {
    const item = bytes.subarray(start, end)
    const state = item.includes(sealPrefix) ? reasoningIn(item) : undefined
    if (!state) continue
    const opened = state.sealed === undefined ? undefined : openState(sealer, state.sealed)
    if (opened && belongsTo(opened, owner)) return undefined
    foreign.add(index)
    const path = `input[${index}]`
    warnings.push(
      state.sealed === undefined
        ? { path, action: 'dropped', reason: 'reasoning of another model' }
        : lostState(path, opened),
    )
  }
  if (foreign.size === 0) return { scanned, warnings }
  if (foreign.size === places.length) return undefined
  return { scanned: scanObject(splice(bytes, removeItems(places, foreign))), warnings }
}

/** Of an item of reasoning that was told here: its sealed state, if it has any. Undefined for every other item. */
const reasoningIn = (bytes: Buffer): { readonly sealed?: string } | undefined => {
  const item: JsonValue = JSON.parse(bytes.toString('utf8'))
  if (!isObject(item) || item['type'] !== 'reasoning') return undefined
  const { encrypted_content: state, id } = item
  if (typeof state === 'string' && state !== '') return isSealed(state) ? { sealed: state } : undefined
  return typeof id === 'string' && isOwnReasoningId(id) ? {} : undefined
}
