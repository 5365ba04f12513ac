import { fieldName } from '../client-fields.ts'
import type { JsonObject, NeutralRequest, WebSearchTool } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { writeLocation } from '../web-search.ts'
import { declares } from './decode-tools.ts'
import { encodeCache } from './encode-content.ts'
import { refuse } from './read.ts'
import { unsupported, type Warnings } from './refusals.ts'

export const toolName = /^[a-zA-Z0-9_-]{1,128}$/

/** `tools` and `tool_choice`, in the client's order (prompt caches key on it). A choice among some of the tools is made by sending only those. */
export const encodeTools = (
  request: NeutralRequest,
  { dropUnsupportedTools = false }: Pick<EncodeRequestOptions, 'dropUnsupportedTools'>,
  warnings: Warnings,
): JsonObject => {
  const choice = request.toolChoice
  let tools = request.tools.filter((tool, index) => isKnown(tool, index, dropUnsupportedTools, warnings))
  if (choice?.mode === 'subset') {
    const names = new Set(choice.names)
    tools = tools.filter((tool) => !('name' in tool) || names.has(tool.name))
    const declared = new Set(tools.map((tool) => 'name' in tool && tool.name))
    for (const name of names) if (!declared.has(name)) requireDeclared(request, name, tools)
    if (tools.length < request.tools.length) warnings.changed('tools', 'only the allowed tools are sent')
  }
  if (choice?.mode === 'tool') requireDeclared(request, choice.name, tools)
  if (tools.length === 0) {
    if (choice?.mode === 'required' || choice?.mode === 'subset')
      refuse(fieldName(request, 'toolChoice'), 'a tool is demanded, but there are none in tools.')
    return {}
  }
  const encoded = encodeChoice(request)
  return {
    tools: tools.map((tool, index) => encodeTool(tool, index, warnings)),
    ...(encoded && { tool_choice: encoded }),
  }
}

const requireDeclared = (request: NeutralRequest, name: string, tools: NeutralRequest['tools']): void => {
  if (!tools.some((tool) => declares(tool, name)))
    refuse(fieldName(request, 'toolChoice'), `there is no tool "${name}" in tools.`)
}

/** False for a tool of another protocol that may be left out; throws when it may not. */
const isKnown = (tool: NeutralRequest['tools'][number], index: number, drop: boolean, warnings: Warnings): boolean => {
  if (tool.type !== 'opaque' || tool.protocol === 'anthropic-messages') return true
  const path = tool.path ?? `tools[${index}]`
  if (!drop) unsupported(path, 'this tool has no counterpart')
  warnings.dropped(path, 'this tool has no counterpart')
  return false
}

/** The version that all models with the tool take; newer ones filter by running code, which no other protocol asked for. */
const webSearchType = 'web_search_20250305'

const encodeWebSearch = (tool: WebSearchTool, path: string, warnings: Warnings): JsonObject => {
  if (tool.original.protocol === 'anthropic-messages') return { ...tool.original.value }
  if (tool.contextSize) warnings.dropped(`${path}.search_context_size`, 'unknown to the Messages API')
  const { allowedDomains, blockedDomains, location, maxUses } = tool
  if (allowedDomains && blockedDomains) unsupported(path, 'domains can be allowed or blocked, not both')
  return {
    type: webSearchType,
    name: 'web_search',
    ...(maxUses !== undefined && { max_uses: maxUses }),
    ...(allowedDomains && { allowed_domains: [...allowedDomains] }),
    ...(blockedDomains && { blocked_domains: [...blockedDomains] }),
    ...(location && { user_location: { type: 'approximate', ...writeLocation(location) } }),
  }
}

const encodeTool = (tool: NeutralRequest['tools'][number], index: number, warnings: Warnings): JsonObject => {
  const path = tool.path ?? `tools[${index}]`
  if (tool.type === 'custom') return unsupported(path, 'this tool has no counterpart')
  if (tool.type === 'web-search') return encodeWebSearch(tool, path, warnings)
  if (tool.type === 'opaque') return { ...tool.value }
  if (!toolName.test(tool.name)) refuse(`${path}.name`, 'must be 1 to 128 characters of letters, digits, "_" and "-".')
  warnings.extensions(path, tool.extensions)
  return {
    name: tool.name,
    ...(tool.description !== undefined && { description: tool.description }),
    input_schema: encodeSchema(tool.schema, path),
    ...(tool.strict && { strict: true }),
    ...tool.extensions?.['anthropic-messages'],
    ...encodeCache(tool.cache),
  }
}

/** Arguments are an object; a schema that does not say so is completed, one that says otherwise is refused. `$id`, and `$schema` of unknown drafts, are refused upstream. */
const encodeSchema = (schema: JsonObject | undefined, path: string): JsonObject => {
  if (!schema) return { type: 'object', properties: {} }
  const { $id: _, $schema, ...rest } = schema
  const draft = typeof $schema === 'string' && /^https?:\/\/json-schema\.org\//.test($schema) ? { $schema } : {}
  if (rest['type'] === undefined)
    return { ...draft, type: 'object', ...(Object.keys(rest).length === 0 && { properties: {} }), ...rest }
  if (rest['type'] !== 'object') unsupported(path, 'the schema of a tool must have type "object"')
  return $schema === undefined && !('$id' in schema) ? schema : { ...draft, ...rest }
}

const encodeChoice = (request: NeutralRequest): JsonObject | undefined => {
  const choice = request.toolChoice
  const single = request.parallelToolCalls === false ? { disable_parallel_tool_use: true } : {}
  switch (choice?.mode) {
    case undefined:
      return request.parallelToolCalls === false ? { type: 'auto', ...single } : undefined
    case 'none':
      return { type: 'none' }
    case 'auto':
      return { type: 'auto', ...single }
    case 'required':
      return { type: 'any', ...single }
    case 'tool':
      return { type: 'tool', name: choice.name, ...single }
    case 'subset':
      return { type: choice.required ? 'any' : 'auto', ...single }
  }
}
