import type { Finish, FinishReason, JsonValue } from '../neutral/index.ts'
import type { ChatDialect } from './dialect.ts'

/** OpenAI's words first, then those of servers that imitate it. */
const fromWire: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  completed: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_length: 'context-exceeded',
  safety: 'content-filter',
}

/**
 * A call that was made is a call whatever the reason says: Ollama and Gemini say `stop` then, some say nothing at all. `calledTool`: its arguments are whole. Undefined for a
 * text without a reason, which may have been cut. `endsUnnamed`: a server that names no reason, or one that nobody knows, and means that the answer just ended.
 */
export const decodeFinish = (
  raw: JsonValue | undefined,
  calledTool: boolean,
  { endsUnnamed = false }: ChatDialect = {},
): Finish | undefined => {
  const word = typeof raw === 'string' && raw !== '' ? raw : null
  if (word === null && !endsUnnamed && !calledTool) return undefined
  const told = fromWire[word?.toLowerCase() ?? ''] ?? (endsUnnamed ? 'stop' : 'other')
  return { reason: calledTool && (told === 'stop' || told === 'other') ? 'tool-calls' : told, raw: word }
}

/** For the operator: how servers that never name a reason are told from answers that were cut. */
export const unnamedEnd =
  'The answer has no finish_reason. If this server never gives one, switch on its quirk "empty-finish-reason".'

/** Undefined for an end that must not look like one: the caller answers with an error. */
export const encodeFinish = ({ reason }: Finish): string | undefined => {
  switch (reason) {
    case 'stop':
    case 'stop-sequence':
      return 'stop'
    case 'length':
    case 'context-exceeded':
      return 'length'
    case 'tool-calls':
      return 'tool_calls'
    case 'content-filter':
    case 'refusal':
      return 'content_filter'
    case 'pause':
    case 'malformed-tool-call':
    case 'other':
      return undefined
  }
}
