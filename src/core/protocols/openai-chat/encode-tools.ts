import type { JsonObject, NeutralRequest, ToolChoice } from '../neutral/index.ts'
import { refuse } from '../read.ts'
import { unsupported, type Warnings } from './refusals.ts'

export const toolName = /^[a-zA-Z0-9_-]{1,64}$/

/** `tools`, `tool_choice` and `parallel_tool_calls`, in the client's order (prompt caches key on it). */
export const encodeTools = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const { tools, toolChoice: choice } = request
  if (choice?.mode === 'tool') requireDeclared(choice.name, tools)
  if (tools.length === 0) {
    if (choice?.mode === 'required' || choice?.mode === 'subset')
      refuse('tool_choice', 'a tool is demanded, but there are none in tools.')
    return {}
  }
  return {
    tools: tools.map((tool, index) => encodeTool(tool, index, warnings)),
    ...(choice && { tool_choice: encodeChoice(choice) }),
    ...(request.parallelToolCalls !== undefined && { parallel_tool_calls: request.parallelToolCalls }),
  }
}

const requireDeclared = (name: string, tools: NeutralRequest['tools']): void => {
  if (!tools.some((tool) => tool.type === 'function' && tool.name === name))
    refuse('tool_choice', `there is no tool "${name}" in tools.`)
}

const encodeTool = (tool: NeutralRequest['tools'][number], index: number, warnings: Warnings): JsonObject => {
  const path = tool.path ?? `tools[${index}]`
  if (tool.type === 'custom' || tool.type === 'web-search') return unsupported(path, 'this tool has no counterpart')
  if (tool.type === 'opaque') {
    return tool.protocol === 'openai-chat' ? tool.value : unsupported(path, 'this tool has no counterpart')
  }
  if (!toolName.test(tool.name))
    unsupported(`${path}.name`, 'must be 1 to 64 characters of letters, digits, "_" and "-"')
  warnings.extensions(path, tool.extensions)
  if (tool.cache) warnings.dropped(`${path}.cache_control`, 'prompts are cached without marks')
  return {
    type: 'function',
    function: {
      name: tool.name,
      ...(tool.description !== undefined && { description: tool.description }),
      ...(tool.schema && { parameters: tool.schema }),
      ...(tool.strict !== undefined && { strict: tool.strict }),
    },
    ...tool.extensions?.['openai-chat'],
  }
}

const encodeChoice = (choice: ToolChoice): JsonObject | string => {
  switch (choice.mode) {
    case 'auto':
    case 'none':
    case 'required':
      return choice.mode
    case 'tool':
      return { type: 'function', function: { name: choice.name } }
    case 'subset':
      return {
        type: 'allowed_tools',
        allowed_tools: {
          mode: choice.required ? 'required' : 'auto',
          tools: choice.names.map((name) => ({ type: 'function', function: { name } })),
        },
      }
  }
}
