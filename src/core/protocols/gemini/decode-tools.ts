import type { JsonObject, JsonValue, NeutralRequest, NeutralTool, ToolChoice } from '../neutral/index.ts'
import { array, compact, filled, object, optional, refuse, string } from '../read.ts'
import { items, leftover, oneOfNames } from './read.ts'
import { toJsonSchema } from './schema-dialect.ts'

const declarationFields = new Set(['name', 'description', 'parameters', 'parametersJsonSchema'])
const modes = ['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED'] as const

type Tool = NeutralRequest['tools'][number]

/** Functions and the search of the web; every other tool that Google runs stays opaque. One entry may hold several. */
export const decodeTools = (value: JsonValue | undefined): Tool[] =>
  items(value, 'tools').flatMap(([item, path]) =>
    Object.entries(object(item, path)).flatMap(([kind, given]) => decodeKind(kind, given, path)),
  )

const decodeKind = (kind: string, value: JsonValue, path: string): Tool[] => {
  const at = `${path}.${kind}`
  if (value === null) return []
  if (kind === 'functionDeclarations')
    return items(value, at).map(([declared, place]) => decodeDeclaration(object(declared, place), place))
  const whole = { [kind]: value }
  if (kind === 'googleSearch' || kind === 'googleSearchRetrieval')
    return [{ type: 'web-search', original: { protocol: 'gemini', value: whole }, path: at }]
  return [{ type: 'opaque', protocol: 'gemini', value: whole, path: at }]
}

const decodeDeclaration = (declared: JsonObject, path: string): NeutralTool => {
  const dialect = optional(declared['parameters'], `${path}.parameters`, object)
  const plain = optional(declared['parametersJsonSchema'], `${path}.parametersJsonSchema`, object)
  if (dialect && plain) refuse(`${path}.parameters`, 'send either parameters or parametersJsonSchema.')
  return compact({
    type: 'function' as const,
    name: filled(declared['name'], `${path}.name`),
    description: optional(declared['description'], `${path}.description`, string),
    schema: plain ?? (dialect && toJsonSchema(argumentsOf(dialect))),
    path,
    extensions: leftover(declared, declarationFields),
  })
}

/** Arguments are an object, whatever is said of null. */
const argumentsOf = (schema: JsonObject): JsonObject => {
  const { nullable: _, ...rest } = schema
  return rest
}

const configFields = new Set(['functionCallingConfig'])
const callingFields = new Set(['mode', 'allowedFunctionNames'])

/** `toolConfig`. What the neutral form has no place for is kept under its path (`VALIDATED` calls nothing but what fits the schemas). */
export const decodeToolConfig = (
  value: JsonValue | undefined,
  tools: readonly Tool[],
): { readonly toolChoice?: ToolChoice; readonly extra: JsonObject } => {
  const config = optional(value, 'toolConfig', object) ?? {}
  const at = 'toolConfig.functionCallingConfig'
  const calling = optional(config['functionCallingConfig'], at, object) ?? {}
  const extra: JsonObject = {}
  for (const [field, left] of Object.entries(leftover(config, configFields)?.gemini ?? {}))
    extra[`toolConfig.${field}`] = left
  for (const [field, left] of Object.entries(leftover(calling, callingFields)?.gemini ?? {}))
    extra[`${at}.${field}`] = left
  const mode = optional(calling['mode'], `${at}.mode`, (name, path) => oneOfNames(name, path, modes))
  if (mode === 'VALIDATED') extra[`${at}.mode`] = mode
  const known = new Set(tools.map((tool) => tool.type === 'function' && tool.name))
  const names = optional(calling['allowedFunctionNames'], `${at}.allowedFunctionNames`, (list, path) =>
    array(list, path).map((name, index) => declared(filled(name, `${path}[${index}]`), `${path}[${index}]`, known)),
  )
  const toolChoice = readChoice(mode, names ?? [])
  return { extra, ...(toolChoice && { toolChoice }) }
}

const readChoice = (mode: (typeof modes)[number] | undefined, names: readonly string[]): ToolChoice | undefined => {
  switch (mode) {
    case undefined:
    case 'MODE_UNSPECIFIED':
      return undefined
    case 'NONE':
      return { mode: 'none' }
    case 'AUTO':
    case 'VALIDATED':
      return names.length === 0 ? { mode: 'auto' } : { mode: 'subset', names, required: false }
    case 'ANY':
      if (names.length === 0) return { mode: 'required' }
      return names.length === 1 ? { mode: 'tool', name: names[0]! } : { mode: 'subset', names, required: true }
  }
}

const declared = (name: string, path: string, known: ReadonlySet<string | false>): string =>
  known.has(name) ? name : refuse(path, `there is no function "${name}" in tools.`)
