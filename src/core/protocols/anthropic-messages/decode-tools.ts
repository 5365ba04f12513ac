import type { JsonObject, NeutralRequest, WebSearchTool } from '../neutral/index.ts'
import {
  array,
  boolean,
  cacheMark,
  compact,
  filled,
  leftover,
  object,
  oneOf,
  optional,
  refuse,
  string,
  wholeNumber,
} from './read.ts'
import { readLocation } from '../web-search.ts'

const toolFields = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control'])

/** Client tools become functions, web search is known to others too; other tools that Anthropic defines or runs itself stay opaque. */
export const decodeTools = (body: JsonObject): NeutralRequest['tools'] =>
  (optional(body['tools'], 'tools', array) ?? []).map((value, index) => {
    const path = `tools[${index}]`
    const tool = object(value, path)
    const type = optional(tool['type'], `${path}.type`, filled) ?? 'custom'
    if (type.startsWith('web_search_')) return decodeWebSearch(tool, path)
    if (type !== 'custom') return { type: 'opaque', protocol: 'anthropic-messages', value: tool, path }
    return compact({
      type: 'function' as const,
      name: filled(tool['name'], `${path}.name`),
      description: optional(tool['description'], `${path}.description`, string),
      schema: object(tool['input_schema'], `${path}.input_schema`),
      strict: optional(tool['strict'], `${path}.strict`, boolean),
      cache: cacheMark(tool['cache_control'], `${path}.cache_control`),
      path,
      extensions: leftover(tool, toolFields),
    })
  })

const decodeWebSearch = (tool: JsonObject, path: string): WebSearchTool => {
  const domains = (field: string): string[] | undefined =>
    optional(tool[field], `${path}.${field}`, (value, at) =>
      array(value, at).map((domain, index) => filled(domain, `${at}[${index}]`)),
    )
  return compact({
    type: 'web-search' as const,
    allowedDomains: domains('allowed_domains'),
    blockedDomains: domains('blocked_domains'),
    location: optional(tool['user_location'], `${path}.user_location`, (value, at) =>
      readLocation(object(value, at), at),
    ),
    maxUses: optional(tool['max_uses'], `${path}.max_uses`, (value, at) => wholeNumber(value, at, 1)),
    original: { protocol: 'anthropic-messages' as const, value: tool },
    path,
  })
}

export const decodeToolChoice = (body: JsonObject): Pick<NeutralRequest, 'toolChoice' | 'parallelToolCalls'> => {
  const choice = optional(body['tool_choice'], 'tool_choice', object)
  if (!choice) return {}
  const type = oneOf(choice['type'], 'tool_choice.type', ['auto', 'any', 'tool', 'none'])
  const disabled = optional(choice['disable_parallel_tool_use'], 'tool_choice.disable_parallel_tool_use', boolean)
  const parallel = disabled === undefined ? {} : { parallelToolCalls: !disabled }
  if (type === 'tool') {
    const name = filled(choice['name'], 'tool_choice.name')
    if (!decodeTools(body).some((tool) => declares(tool, name)))
      refuse('tool_choice.name', `there is no tool "${name}" in tools.`)
    return { toolChoice: { mode: 'tool', name }, ...parallel }
  }
  return { toolChoice: { mode: type === 'any' ? 'required' : type }, ...parallel }
}

/** Whether the tool may be called by this name. A toolset of Anthropic's has members that it does not name. */
export const declares = (tool: NeutralRequest['tools'][number], name: string): boolean => {
  if (tool.type === 'web-search') return tool.original.value['name'] === name
  if (tool.type !== 'opaque') return tool.name === name
  const { name: own, type } = tool.value
  return own === name || (typeof type === 'string' && type.includes('toolset'))
}
