import type { Finish, FinishReason, JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from './read.ts'

const fromWire: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  max_tokens: 'length',
  stop_sequence: 'stop-sequence',
  tool_use: 'tool-calls',
  refusal: 'refusal',
  pause_turn: 'pause',
  model_context_window_exceeded: 'context-exceeded',
}

/** `delta` holds `stop_reason`, `stop_sequence` and `stop_details`, as a message does. A call that was made is a call, whatever the reason says. */
export const decodeFinish = (delta: JsonObject, calledTool: boolean): Finish => {
  const raw = text(delta['stop_reason']) ?? null
  const told = fromWire[raw ?? ''] ?? 'other'
  const reason = calledTool && (told === 'stop' || told === 'other') ? 'tool-calls' : told
  const stopSequence = text(delta['stop_sequence'])
  const details = delta['stop_details']
  const explanation = isObject(details) ? text(details['explanation']) : undefined
  return { reason, raw, ...(stopSequence !== undefined && { stopSequence }), ...(explanation && { explanation }) }
}

const text = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

/**
 * `stop_reason`, `stop_sequence` and `stop_details` of a message. `refused`: a refusal was among the blocks. Undefined for an end that must not look like one: the caller
 * answers with an error.
 */
export const encodeFinish = (finish: Finish, refused: boolean): JsonObject | undefined => {
  const reason = stopReason(finish, refused)
  if (reason === undefined) return undefined
  return {
    stop_reason: reason,
    stop_sequence: reason === 'stop_sequence' ? (finish.stopSequence ?? null) : null,
    stop_details:
      reason === 'refusal' ? { type: 'refusal', category: null, explanation: finish.explanation ?? null } : null,
  }
}

const stopReason = (finish: Finish, refused: boolean): string | undefined => {
  switch (finish.reason) {
    case 'stop':
      return refused ? 'refusal' : 'end_turn'
    case 'stop-sequence':
      // Only Anthropic tells which sequence matched; a reason without its sequence would be half a truth.
      return finish.stopSequence === undefined ? 'end_turn' : 'stop_sequence'
    case 'length':
      return 'max_tokens'
    case 'tool-calls':
      return 'tool_use'
    case 'refusal':
    case 'content-filter':
      return 'refusal'
    case 'context-exceeded':
      return 'model_context_window_exceeded'
    case 'pause':
      return 'pause_turn'
    case 'malformed-tool-call':
    case 'other':
      return finish.raw === 'compaction' ? 'compaction' : undefined
  }
}
