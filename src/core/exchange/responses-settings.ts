import type { ScannedObject, Cut } from '../protocols/json-scan.ts'
import type { JsonObject } from '../protocols/neutral/index.ts'
import { nestedCuts } from './nested-settings.ts'

/** Names that operators write for settings of any protocol, as the Responses API has them at the top level. It refuses fields that it does not know. */
const names: Readonly<Record<string, string>> = {
  max_tokens: 'max_output_tokens',
  max_completion_tokens: 'max_output_tokens',
  max_output_tokens: 'max_output_tokens',
}
const known = new Set([
  'include',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'parallel_tool_calls',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_p',
  'truncation',
  'user',
])
const none: ReadonlySet<string> = new Set()

/** Settings of a model for a client of the Responses API: those at its top level under their names there. */
export const topOfResponses = (settings: JsonObject): JsonObject => {
  const top: JsonObject = {}
  for (const [given, value] of Object.entries(settings)) {
    const name = Object.hasOwn(names, given) ? names[given]! : given
    if (known.has(name) && top[name] === undefined) top[name] = value
  }
  return top
}

/** Those that it keeps inside `reasoning` and `text`. */
export const nestedInResponses = (scanned: ScannedObject, defaults: JsonObject): Cut[] => {
  const inside = (within: string, setting: string, name: string): Cut[] =>
    defaults[within] === undefined
      ? nestedCuts(scanned, { within: [within], names: { [setting]: [name] }, top: none }, defaults, {})
      : []
  return [...inside('reasoning', 'reasoning_effort', 'effort'), ...inside('text', 'verbosity', 'verbosity')]
}
