import type { Finish, FinishReason, JsonValue } from '../neutral/index.ts'

const fromWire: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop-sequence',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  guardrail_intervened: 'content-filter',
  content_filtered: 'content-filter',
  model_context_window_exceeded: 'context-exceeded',
  malformed_model_output: 'malformed-tool-call',
  malformed_tool_use: 'malformed-tool-call',
}

/** A call that was made is a call, whatever the reason says. */
export const decodeFinish = (stopReason: JsonValue | undefined, calledTool: boolean): Finish => {
  const raw = typeof stopReason === 'string' ? stopReason : null
  const told = fromWire[raw ?? ''] ?? 'other'
  return { reason: calledTool && (told === 'stop' || told === 'other') ? 'tool-calls' : told, raw }
}
