import { fieldName } from '../client-fields.ts'
import type { JsonObject, NeutralRequest, ProtocolId, ToolChoice, WebSearchTool } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { compact, refuse } from '../read.ts'
import { writeLocation } from '../web-search.ts'
import { unsupported, type Warnings } from './refusals.ts'

export const toolName = /^[a-zA-Z0-9_-]{1,64}$/

type Tool = NeutralRequest['tools'][number]

/** `tools`, `tool_choice` and `parallel_tool_calls`, in the client's order (prompt caches key on it). */
export const encodeTools = (
  request: NeutralRequest,
  options: Pick<EncodeRequestOptions, 'dropUnsupportedTools'>,
  warnings: Warnings,
): JsonObject => {
  const { toolChoice: choice, parallelToolCalls: parallel } = request
  const tools = request.tools.filter((tool, index) => isKnown(tool, index, options, warnings))
  const declared = new Set(tools.map((tool) => 'name' in tool && tool.name))
  for (const name of choice?.mode === 'tool' ? [choice.name] : choice?.mode === 'subset' ? choice.names : [])
    if (!declared.has(name)) refuse(fieldName(request, 'toolChoice'), `there is no tool "${name}" in tools.`)
  if (tools.length === 0) {
    if (choice?.mode === 'required' || choice?.mode === 'subset')
      refuse(fieldName(request, 'toolChoice'), 'a tool is demanded, but there are none in tools.')
    return {}
  }
  return {
    tools: tools.map((tool, index) => encodeTool(tool, index, request.protocol, warnings)),
    ...(choice && { tool_choice: encodeChoice(choice, tools) }),
    ...(parallel !== undefined && { parallel_tool_calls: parallel }),
  }
}

/** False for a tool of another protocol that may be left out; throws when it may not. */
const isKnown = (
  tool: Tool,
  index: number,
  { dropUnsupportedTools }: Pick<EncodeRequestOptions, 'dropUnsupportedTools'>,
  warnings: Warnings,
): boolean => {
  if (tool.type !== 'opaque' || tool.protocol === 'openai-responses') return true
  const path = tool.path ?? `tools[${index}]`
  if (!dropUnsupportedTools) unsupported(path, 'this tool has no counterpart')
  warnings.dropped(path, 'this tool has no counterpart')
  return false
}

const encodeTool = (tool: Tool, index: number, client: ProtocolId, warnings: Warnings): JsonObject => {
  const path = tool.path ?? `tools[${index}]`
  if (tool.type === 'opaque') return tool.value
  if (tool.type === 'web-search') return encodeWebSearch(tool, path, warnings)
  if (!toolName.test(tool.name))
    unsupported(`${path}.name`, 'must be 1 to 64 characters of letters, digits, "_" and "-"')
  warnings.extensions(path, tool.extensions)
  const { name, description } = tool
  const own = tool.extensions?.['openai-responses']
  if (tool.type === 'custom') {
    const format = tool.grammar && { type: 'grammar', ...tool.grammar }
    return { ...compact({ type: 'custom', name, description, format }), ...own }
  }
  if (tool.cache) warnings.droppedOf(path, 'cache', 'prompts are cached without marks')
  const parameters = tool.schema ?? { type: 'object', properties: {} }
  // Said aloud, because the API is strict where nothing is said, which its own clients know.
  const strict = tool.strict ?? (client === 'openai-responses' ? undefined : false)
  return { ...compact({ type: 'function', name, description, parameters, strict }), ...own }
}

const encodeWebSearch = (tool: WebSearchTool, path: string, warnings: Warnings): JsonObject => {
  if (tool.original.protocol === 'openai-responses') return tool.original.value
  if (tool.blockedDomains) unsupported(path, 'domains can be allowed, not blocked')
  if (tool.maxUses !== undefined) warnings.dropped(`${path}.max_uses`, 'searches are not counted')
  return compact({
    type: 'web_search',
    filters: tool.allowedDomains && { allowed_domains: [...tool.allowedDomains] },
    search_context_size: tool.contextSize,
    user_location: tool.location && { type: 'approximate', ...writeLocation(tool.location) },
  })
}

const encodeChoice = (choice: ToolChoice, tools: readonly Tool[]): JsonObject | string => {
  const custom = new Set(tools.map((tool) => tool.type === 'custom' && tool.name))
  const named = (name: string): JsonObject => ({
    type: custom.has(name) ? 'custom' : 'function',
    name,
  })
  switch (choice.mode) {
    case 'auto':
    case 'none':
    case 'required':
      return choice.mode
    case 'tool':
      return named(choice.name)
    case 'subset':
      return { type: 'allowed_tools', mode: choice.required ? 'required' : 'auto', tools: choice.names.map(named) }
  }
}
