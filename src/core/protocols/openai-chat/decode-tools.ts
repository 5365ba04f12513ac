import type { JsonObject, JsonValue, NeutralRequest, NeutralTool, OpaqueTool, ToolChoice } from '../neutral/index.ts'
import { array, boolean, compact, filled, notServed, object, oneOf, optional, refuse, rest, string } from '../read.ts'

const toolFields = new Set(['type', 'function'])
const functionFields = new Set(['name', 'description', 'parameters', 'strict'])

/** Functions; custom and hosted tools stay opaque. */
export const decodeTools = (body: JsonObject): (NeutralTool | OpaqueTool)[] =>
  (optional(body['tools'], 'tools', array) ?? []).map((value, index) => {
    const path = `tools[${index}]`
    const tool = object(value, path)
    if (filled(tool['type'], `${path}.type`) !== 'function')
      return { type: 'opaque', protocol: 'openai-chat', value: tool, path }
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
  })

export const decodeToolChoice = (
  body: JsonObject,
  tools: NeutralRequest['tools'],
): Pick<NeutralRequest, 'toolChoice' | 'parallelToolCalls'> =>
  compact({
    toolChoice: optional(body['tool_choice'], 'tool_choice', (value) => readChoice(value, tools)),
    parallelToolCalls: optional(body['parallel_tool_calls'], 'parallel_tool_calls', boolean),
  })

const readChoice = (value: JsonValue, tools: NeutralRequest['tools']): ToolChoice => {
  if (typeof value === 'string') {
    // Mistral says `any`.
    const mode = oneOf(value, 'tool_choice', ['none', 'auto', 'required', 'any'])
    return { mode: mode === 'any' ? 'required' : mode }
  }
  const choice = object(value, 'tool_choice')
  const type = oneOf(choice['type'], 'tool_choice.type', ['function', 'custom', 'allowed_tools'])
  if (type === 'custom') return notServed('tool_choice', 'custom tools cannot be chosen for this model')
  if (type === 'function') {
    return { mode: 'tool', name: readName(choice['function'], 'tool_choice.function', tools) }
  }
  const at = 'tool_choice.allowed_tools'
  const allowed = object(choice['allowed_tools'], at)
  const names = array(allowed['tools'], `${at}.tools`).map((tool, index) => {
    const path = `${at}.tools[${index}]`
    return readName(object(tool, path)['function'], `${path}.function`, tools)
  })
  return { mode: 'subset', names, required: oneOf(allowed['mode'], `${at}.mode`, ['auto', 'required']) === 'required' }
}

const readName = (value: JsonValue | undefined, path: string, tools: NeutralRequest['tools']): string => {
  const name = filled(object(value, path)['name'], `${path}.name`)
  const declared = tools.some((tool) => tool.type === 'function' && tool.name === name)
  return declared ? name : refuse(`${path}.name`, `there is no tool "${name}" in tools.`)
}
