import type { JsonObject, JsonValue, Usage } from '../neutral/index.ts'
import type { EncodeOptions } from '../protocol.ts'
import { isObject } from '../read.ts'
import { encodeUsage } from './usage.ts'

/** What an answer is at one moment. */
export interface AnswerState {
  readonly id: string
  readonly created: number
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  readonly output: readonly JsonObject[]
  readonly reason?: string | undefined
  readonly error?: JsonObject | undefined
  readonly usage?: Usage | undefined
}

/** The whole response object, every key of it: what the client asked, with OpenAI's defaults where it said nothing, and what came of it. */
export const responseObject = (state: AnswerState, options: EncodeOptions): JsonObject => {
  const asked = options.asked ?? {}
  const now = options.now ? Math.floor(options.now() / 1000) : options.created
  const or = (field: string, otherwise: JsonValue): JsonValue => asked[field] ?? otherwise
  return {
    id: state.id,
    object: 'response',
    created_at: state.created,
    status: state.status,
    background: false,
    // A provider's clock may be ahead of ours.
    completed_at: state.status === 'completed' ? Math.max(state.created, now) : null,
    error: state.error ?? null,
    incomplete_details: state.reason === undefined ? null : { reason: state.reason },
    instructions: or('instructions', null),
    max_output_tokens: or('max_output_tokens', null),
    max_tool_calls: or('max_tool_calls', null),
    model: options.model,
    output: [...state.output],
    parallel_tool_calls: or('parallel_tool_calls', true),
    previous_response_id: options.same ? or('previous_response_id', null) : null,
    prompt_cache_key: or('prompt_cache_key', null),
    prompt_cache_retention: or('prompt_cache_retention', null),
    reasoning: echoReasoning(asked['reasoning']),
    safety_identifier: or('safety_identifier', null),
    service_tier: 'default',
    // Nothing is kept here, whatever was asked; a provider that was asked so keeps it.
    store: options.same === true && asked['store'] !== false,
    temperature: or('temperature', 1),
    text: echoText(asked['text']),
    tool_choice: or('tool_choice', 'auto'),
    tools: Array.isArray(asked['tools']) ? asked['tools'].filter(isObject).map(echoTool) : [],
    top_logprobs: or('top_logprobs', 0),
    top_p: or('top_p', 1),
    truncation: or('truncation', 'disabled'),
    usage: state.usage ? encodeUsage(state.usage) : null,
    user: or('user', null),
    metadata: or('metadata', {}),
  }
}

const echoReasoning = (asked: JsonValue | undefined): JsonObject => ({
  effort: null,
  summary: null,
  ...(isObject(asked) && asked),
})

const echoText = (asked: JsonValue | undefined): JsonObject => {
  const { format, verbosity, ...rest } = isObject(asked) ? asked : {}
  return { ...rest, format: echoFormat(format), verbosity: verbosity ?? 'medium' }
}

const echoFormat = (format: JsonValue | undefined): JsonObject => {
  if (!isObject(format)) return { type: 'text' }
  return format['type'] === 'json_schema' ? { description: null, strict: false, ...format } : format
}

/** The API makes functions strict unless it is told otherwise. */
const echoTool = (tool: JsonObject): JsonObject =>
  tool['type'] === 'function' ? { description: null, parameters: null, strict: true, ...tool } : tool

/** Whether the client wants the state of reasoning, to give it back: it says so, or nobody else keeps it. */
export const wantsState = ({ asked }: EncodeOptions): boolean => {
  const include = asked?.['include']
  return asked?.['store'] === false || (Array.isArray(include) && include.includes('reasoning.encrypted_content'))
}
