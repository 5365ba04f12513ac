import type { CustomTool, JsonObject, JsonValue, NeutralRequest, ToolChoice, WebSearchTool } from '../neutral/index.ts'
import { array, boolean, compact, filled, object, oneOf, optional, refuse, rest, string } from '../read.ts'
import { readLocation } from '../web-search.ts'

const toolFields = new Set(['type', 'function'])
const functionFields = new Set(['name', 'description', 'parameters', 'strict'])

/** Functions and free-text tools; the search that `web_search_options` asks for. Other hosted tools stay opaque. */
export const decodeTools = (body: JsonObject): NeutralRequest['tools'] => {
  const tools = (optional(body['tools'], 'tools', array) ?? []).map(decodeTool)
  const search = optional(body['web_search_options'], 'web_search_options', object)
  return search ? [...tools, decodeWebSearch(search)] : tools
}

const decodeTool = (value: JsonValue, index: number): NeutralRequest['tools'][number] => {
  const path = `tools[${index}]`
  const tool = object(value, path)
  const type = filled(tool['type'], `${path}.type`)
  if (type === 'custom') return decodeCustom(tool, path)
  if (type !== 'function') return { type: 'opaque', protocol: 'openai-chat', value: tool, path }
  const made = object(tool['function'], `${path}.function`)
  const extra = { ...rest(tool, toolFields), ...rest(made, functionFields) }
  return compact({
    type: 'function' as const,
    name: filled(made['name'], `${path}.function.name`),
    description: optional(made['description'], `${path}.function.description`, string),
    schema: optional(made['parameters'], `${path}.function.parameters`, object),
    strict: optional(made['strict'], `${path}.function.strict`, boolean),
    path,
    extensions: Object.keys(extra).length > 0 ? { 'openai-chat': extra } : undefined,
  })
}

const decodeCustom = (tool: JsonObject, path: string): CustomTool => {
  const at = `${path}.custom`
  const made = object(tool['custom'], at)
  const format = optional(made['format'], `${at}.format`, object)
  const kind = format && oneOf(format['type'], `${at}.format.type`, ['text', 'grammar'])
  return compact({
    type: 'custom' as const,
    name: filled(made['name'], `${at}.name`),
    description: optional(made['description'], `${at}.description`, string),
    grammar: kind === 'grammar' ? object(format!['grammar'], `${at}.format.grammar`) : undefined,
    path,
  })
}

const decodeWebSearch = (options: JsonObject): WebSearchTool => {
  const at = 'web_search_options'
  const place = optional(options['user_location'], `${at}.user_location`, object)
  const where = place && optional(place['approximate'], `${at}.user_location.approximate`, object)
  return compact({
    type: 'web-search' as const,
    contextSize: optional(options['search_context_size'], `${at}.search_context_size`, (value, path) =>
      oneOf(value, path, ['low', 'medium', 'high']),
    ),
    location: where && readLocation(where, `${at}.user_location.approximate`),
    original: { protocol: 'openai-chat' as const, value: options },
    path: at,
  })
}

export const decodeToolChoice = (
  body: JsonObject,
  tools: NeutralRequest['tools'],
): Pick<NeutralRequest, 'toolChoice' | 'parallelToolCalls'> =>
  compact({
    toolChoice: optional(body['tool_choice'], 'tool_choice', (value) => readChoice(value, tools)),
    parallelToolCalls: optional(body['parallel_tool_calls'], 'parallel_tool_calls', boolean),
  })

const readChoice = (value: JsonValue, tools: NeutralRequest['tools']): ToolChoice => {
  const known = new Set(tools.map((tool) => 'name' in tool && tool.name))
  if (typeof value === 'string') {
    // Mistral says `any`.
    const mode = oneOf(value, 'tool_choice', ['none', 'auto', 'required', 'any'])
    return { mode: mode === 'any' ? 'required' : mode }
  }
  const choice = object(value, 'tool_choice')
  const type = oneOf(choice['type'], 'tool_choice.type', ['function', 'custom', 'allowed_tools'])
  if (type !== 'allowed_tools') return { mode: 'tool', name: readName(choice[type], `tool_choice.${type}`, known) }
  const at = 'tool_choice.allowed_tools'
  const allowed = object(choice['allowed_tools'], at)
  const names = array(allowed['tools'], `${at}.tools`).map((tool, index) => {
    const path = `${at}.tools[${index}]`
    const allowedTool = object(tool, path)
    const form = allowedTool['type'] === 'custom' ? 'custom' : 'function'
    return readName(allowedTool[form], `${path}.${form}`, known)
  })
  return { mode: 'subset', names, required: oneOf(allowed['mode'], `${at}.mode`, ['auto', 'required']) === 'required' }
}

const readName = (value: JsonValue | undefined, path: string, known: ReadonlySet<string | false>): string => {
  const name = filled(object(value, path)['name'], `${path}.name`)
  return known.has(name) ? name : refuse(`${path}.name`, `there is no tool "${name}" in tools.`)
}
