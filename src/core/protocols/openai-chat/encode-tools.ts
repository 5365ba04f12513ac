import { fieldName } from '../client-fields.ts'
import type { JsonObject, NeutralRequest, ToolChoice, WebSearchTool } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { writeLocation } from '../web-search.ts'
import { refuse } from '../read.ts'
import { unsupported, type Warnings } from './refusals.ts'

export const toolName = /^[a-zA-Z0-9_-]{1,64}$/

/** `tools`, `tool_choice` and `parallel_tool_calls`, in the client's order (prompt caches key on it). */
export const encodeTools = (
  request: NeutralRequest,
  options: Pick<EncodeRequestOptions, 'model' | 'dropUnsupportedTools'>,
  warnings: Warnings,
): JsonObject => {
  const { toolChoice: choice } = request
  const search = request.tools.find((tool) => tool.type === 'web-search')
  const searching = search && encodeWebSearch(search, options, warnings)
  const tools = request.tools.filter(
    (tool, index) => tool.type !== 'web-search' && isKnown(tool, index, options, warnings),
  )
  if (choice?.mode === 'tool') requireDeclared(request, choice.name, tools)
  if (tools.length === 0) {
    if (choice?.mode === 'required' || choice?.mode === 'subset')
      refuse(fieldName(request, 'toolChoice'), 'a tool is demanded, but there are none in tools.')
    return { ...searching }
  }
  return {
    tools: tools.map((tool, index) => encodeTool(tool, index, warnings)),
    ...searching,
    ...(choice && { tool_choice: encodeChoice(choice, tools) }),
    ...(request.parallelToolCalls !== undefined && { parallel_tool_calls: request.parallelToolCalls }),
  }
}

const requireDeclared = (request: NeutralRequest, name: string, tools: NeutralRequest['tools']): void => {
  if (!tools.some((tool) => 'name' in tool && tool.name === name))
    refuse(fieldName(request, 'toolChoice'), `there is no tool "${name}" in tools.`)
}

/** False for a tool of another protocol that may be left out; throws when it may not. */
const isKnown = (
  tool: NeutralRequest['tools'][number],
  index: number,
  { dropUnsupportedTools }: Pick<EncodeRequestOptions, 'dropUnsupportedTools'>,
  warnings: Warnings,
): boolean => {
  if (tool.type !== 'opaque' || tool.protocol === 'openai-chat') return true
  const path = tool.path ?? `tools[${index}]`
  if (!dropUnsupportedTools) unsupported(path, 'this tool has no counterpart')
  warnings.dropped(path, 'this tool has no counterpart')
  return false
}

/** Only OpenAI's models that are named for it search; others refuse the field. */
const encodeWebSearch = (
  tool: WebSearchTool,
  { model, dropUnsupportedTools }: Pick<EncodeRequestOptions, 'model' | 'dropUnsupportedTools'>,
  warnings: Warnings,
): JsonObject | undefined => {
  if (tool.original.protocol === 'openai-chat') return { web_search_options: tool.original.value }
  const path = tool.path ?? 'tools'
  if (!/search/.test(model)) {
    if (!dropUnsupportedTools) unsupported(path, 'this model does not search the web')
    warnings.dropped(path, 'this model does not search the web')
    return undefined
  }
  if (tool.allowedDomains || tool.blockedDomains) unsupported(path, 'domains cannot be chosen')
  if (tool.maxUses !== undefined) warnings.dropped(`${path}.max_uses`, 'searches are not counted')
  return {
    web_search_options: {
      ...(tool.contextSize && { search_context_size: tool.contextSize }),
      ...(tool.location && { user_location: { type: 'approximate', approximate: writeLocation(tool.location) } }),
    },
  }
}

const encodeTool = (tool: NeutralRequest['tools'][number], index: number, warnings: Warnings): JsonObject => {
  const path = tool.path ?? `tools[${index}]`
  if (tool.type === 'web-search') return unsupported(path, 'this tool has no counterpart')
  if (tool.type === 'opaque') return tool.value
  if (!toolName.test(tool.name))
    unsupported(`${path}.name`, 'must be 1 to 64 characters of letters, digits, "_" and "-"')
  warnings.extensions(path, tool.extensions)
  if (tool.type === 'custom') {
    const { name, description, grammar } = tool
    const format = grammar && { type: 'grammar', grammar }
    return {
      type: 'custom',
      custom: { name, ...(description !== undefined && { description }), ...(format && { format }) },
    }
  }
  if (tool.cache) warnings.droppedOf(path, 'cache', 'prompts are cached without marks')
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

const encodeChoice = (choice: ToolChoice, tools: NeutralRequest['tools']): JsonObject | string => {
  const custom = new Set(tools.map((tool) => tool.type === 'custom' && tool.name))
  const named = (name: string): JsonObject => {
    const form = custom.has(name) ? 'custom' : 'function'
    return { type: form, [form]: { name } }
  }
  switch (choice.mode) {
    case 'auto':
    case 'none':
    case 'required':
      return choice.mode
    case 'tool':
      return named(choice.name)
    case 'subset':
      return {
        type: 'allowed_tools',
        allowed_tools: {
          mode: choice.required ? 'required' : 'auto',
          tools: choice.names.map(named),
        },
      }
  }
}
