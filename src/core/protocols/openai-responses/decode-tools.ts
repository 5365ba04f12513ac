import type {
  CustomTool,
  JsonObject,
  JsonValue,
  NeutralRequest,
  NeutralTool,
  ToolChoice,
  WebSearchTool,
} from '../neutral/index.ts'
import { fitsStrict } from '../openai-chat/strict-schema.ts'
import { array, boolean, compact, filled, isObject, object, oneOf, optional, refuse, rest, string } from '../read.ts'
import { readLocation } from '../web-search.ts'
import { own } from './decode-parts.ts'
import { flatName } from './tool-namespaces.ts'

type Tool = NeutralRequest['tools'][number]

const functionFields = new Set(['type', 'name', 'description', 'parameters', 'strict'])
const customFields = new Set(['type', 'name', 'description', 'format'])
const searchType = /^web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?$/

/** `tools` and those that items add later. Tools of a namespace get one flat name; hosted tools stay opaque, but for the search of the web. */
export const decodeTools = (body: JsonObject): readonly Tool[] => {
  const tools = decodeList(body['tools'], 'tools')
  const input = body['input']
  for (const [index, item] of (Array.isArray(input) ? input : []).entries())
    if (isObject(item) && item['type'] === 'additional_tools')
      tools.push(...decodeList(item['tools'], `input[${index}].tools`))
  return tools
}

const decodeList = (value: JsonValue | undefined, path: string): Tool[] => {
  const given = optional(value, path, array) ?? []
  const plain = new Set(given.filter(isObject).map((tool) => tool['name']))
  return given.flatMap((entry, index) => {
    const at = `${path}[${index}]`
    const tool = object(entry, at)
    if (tool['type'] !== 'namespace') return [decodeTool(tool, at)]
    const namespace = filled(tool['name'], `${at}.name`)
    return array(tool['tools'], `${at}.tools`).map((inner, position) => {
      const place = `${at}.tools[${position}]`
      const one = object(inner, place)
      const name = flatName(namespace, filled(one['name'], `${place}.name`))
      if (plain.has(name)) refuse(`${place}.name`, `there is another tool of the name "${name}".`)
      return decodeTool({ ...one, name }, place)
    })
  })
}

const decodeTool = (tool: JsonObject, path: string): Tool => {
  const type = filled(tool['type'], `${path}.type`)
  if (type === 'function') return decodeFunction(tool, path)
  if (type === 'custom') return decodeCustom(tool, path)
  if (searchType.test(type)) return decodeWebSearch(tool, path)
  return { type: 'opaque', protocol: 'openai-responses', value: tool, path }
}

const decodeFunction = (tool: JsonObject, path: string): NeutralTool => {
  const schema = optional(tool['parameters'], `${path}.parameters`, object)
  const strict = optional(tool['strict'], `${path}.strict`, boolean)
  return compact({
    type: 'function' as const,
    name: filled(tool['name'], `${path}.name`),
    description: optional(tool['description'], `${path}.description`, string),
    schema,
    // Left out, the API is strict with every schema that can be (the SDK's words at FunctionTool.strict).
    strict: strict ?? (schema && fitsStrict(schema) ? true : undefined),
    path,
    extensions: own(rest(tool, functionFields)),
  })
}

const decodeCustom = (tool: JsonObject, path: string): CustomTool => {
  const format = optional(tool['format'], `${path}.format`, object)
  const kind = format && oneOf(format['type'], `${path}.format.type`, ['text', 'grammar'])
  const { type: _, ...grammar } = format ?? {}
  return compact({
    type: 'custom' as const,
    name: filled(tool['name'], `${path}.name`),
    description: optional(tool['description'], `${path}.description`, string),
    grammar: kind === 'grammar' ? grammar : undefined,
    path,
    extensions: own(rest(tool, customFields)),
  })
}

const decodeWebSearch = (tool: JsonObject, path: string): WebSearchTool => {
  const filters = optional(tool['filters'], `${path}.filters`, object) ?? {}
  const domains = (field: string) =>
    optional(filters[field], `${path}.filters.${field}`, (list, at) =>
      array(list, at).map((name, index) => filled(name, `${at}[${index}]`)),
    )
  return compact({
    type: 'web-search' as const,
    allowedDomains: domains('allowed_domains'),
    blockedDomains: domains('blocked_domains'),
    contextSize: optional(tool['search_context_size'], `${path}.search_context_size`, (value, at) =>
      oneOf(value, at, ['low', 'medium', 'high']),
    ),
    location: optional(tool['user_location'], `${path}.user_location`, (value, at) =>
      readLocation(object(value, at), at),
    ),
    original: { protocol: 'openai-responses' as const, value: tool },
    path,
  })
}

/** A choice of a hosted tool has no neutral form: it stays in the extensions, and no other protocol may leave it out. */
export const isHostedChoice = (value: JsonValue | undefined): boolean => {
  if (!isObject(value)) return false
  if (value['type'] !== 'allowed_tools') return value['type'] !== 'function' && value['type'] !== 'custom'
  const { tools } = value
  return Array.isArray(tools) && tools.some(isHostedChoice)
}

export const decodeToolChoice = (
  body: JsonObject,
  tools: readonly Tool[],
): Pick<NeutralRequest, 'toolChoice' | 'parallelToolCalls'> => {
  const choice = body['tool_choice']
  return compact({
    toolChoice: isHostedChoice(choice)
      ? undefined
      : optional(choice, 'tool_choice', (value) => readChoice(value, tools)),
    parallelToolCalls: optional(body['parallel_tool_calls'], 'parallel_tool_calls', boolean),
  })
}

const readChoice = (value: JsonValue, tools: readonly Tool[]): ToolChoice => {
  const known = new Set(tools.map((tool) => 'name' in tool && tool.name))
  if (typeof value === 'string') return { mode: oneOf(value, 'tool_choice', ['none', 'auto', 'required']) }
  const choice = object(value, 'tool_choice')
  if (choice['type'] !== 'allowed_tools') return { mode: 'tool', name: readName(choice, 'tool_choice', known) }
  const names = array(choice['tools'], 'tool_choice.tools').map((tool, index) => {
    const path = `tool_choice.tools[${index}]`
    return readName(object(tool, path), path, known)
  })
  const required = oneOf(choice['mode'], 'tool_choice.mode', ['auto', 'required']) === 'required'
  return { mode: 'subset', names, required }
}

const readName = (choice: JsonObject, path: string, known: ReadonlySet<string | false>): string => {
  const plain = filled(choice['name'], `${path}.name`)
  const namespace = optional(choice['namespace'], `${path}.namespace`, filled)
  const name = namespace === undefined ? plain : flatName(namespace, plain)
  return known.has(name) ? name : refuse(`${path}.name`, `there is no tool "${name}" in tools.`)
}
