import { fieldName } from '../client-fields.ts'
import type { JsonObject, NeutralRequest, NeutralTool, WebSearchTool } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { refuse } from '../read.ts'
import { isGeneration3, type ModelTraits } from './model-name.ts'
import { unsupported, type Warnings } from './refusals.ts'

export const toolName = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/

type Tool = NeutralRequest['tools'][number]

/** `tools` and `toolConfig`, in the client's order (prompt caches key on it). All functions are in one entry, where the first of them stood. */
export const encodeTools = (
  request: NeutralRequest,
  options: EncodeRequestOptions,
  traits: ModelTraits,
  warnings: Warnings,
): JsonObject => {
  const choice = request.toolChoice
  requireDeclared(request)
  const mixes = request.tools.some(isFunction) && request.protocol !== 'gemini'
  const declarations: JsonObject[] = []
  const entries: JsonObject[] = []
  let hosted = false
  for (const [index, tool] of allowed(request, warnings).entries()) {
    const path = tool.path ?? `tools[${index}]`
    if (isFunction(tool)) {
      if (declarations.length === 0) entries.push({ functionDeclarations: declarations })
      declarations.push(encodeFunction(tool, path, warnings))
      continue
    }
    const entry =
      mixes && !isGeneration3(traits) ? beside(path, options, warnings) : encodeHosted(tool, path, options, warnings)
    if (!entry) continue
    hosted = true
    entries.push(entry)
  }
  if (entries.length === 0 && (choice?.mode === 'required' || choice?.mode === 'subset'))
    refuse(fieldName(request, 'toolChoice'), 'a tool is demanded, but there are none in tools.')
  if (entries.length === 0) return {}
  const calling = declarations.length > 0 ? encodeChoice(request) : undefined
  const config: JsonObject = {
    ...(calling && { functionCallingConfig: calling }),
    // Gemini 3 takes tools of both kinds together only with this.
    ...(mixes && hosted && { includeServerSideToolInvocations: true }),
  }
  return { tools: entries, ...(Object.keys(config).length > 0 && { toolConfig: config }) }
}

const isFunction = (tool: Tool): tool is NeutralTool => tool.type === 'function'

const requireDeclared = (request: NeutralRequest): void => {
  const { toolChoice: choice, tools } = request
  const names = choice?.mode === 'tool' ? [choice.name] : choice?.mode === 'subset' ? choice.names : []
  const declared = new Set(tools.filter(isFunction).map(({ name }) => name))
  for (const name of names)
    if (!declared.has(name)) refuse(fieldName(request, 'toolChoice'), `there is no tool "${name}" in tools.`)
}

/** A free choice among some of the functions is made by sending only those: names are only taken where a call is demanded, or validated. */
const allowed = (request: NeutralRequest, warnings: Warnings): readonly Tool[] => {
  const { toolChoice: choice, tools, protocol } = request
  if (choice?.mode !== 'subset' || choice.required || protocol === 'gemini') return tools
  const names = new Set(choice.names)
  const sent = tools.filter((tool) => !isFunction(tool) || names.has(tool.name))
  if (sent.length < tools.length) warnings.changed('tools', 'only the allowed tools are sent')
  return sent
}

const encodeFunction = (tool: NeutralTool, path: string, warnings: Warnings): JsonObject => {
  if (!toolName.test(tool.name))
    unsupported(`${path}.name`, 'must be 1 to 64 characters of letters, digits, "_", ".", ":" and "-"')
  warnings.extensions(path, tool.extensions)
  if (tool.cache) warnings.droppedOf(path, 'cache', 'prompts are cached without marks')
  return {
    name: tool.name,
    ...(tool.description !== undefined && { description: tool.description }),
    ...(tool.schema && Object.keys(tool.schema).length > 0 && { parametersJsonSchema: tool.schema }),
    ...tool.extensions?.gemini,
  }
}

const foreign = 'this tool has no counterpart'

const encodeHosted = (
  tool: Exclude<Tool, NeutralTool>,
  path: string,
  { dropUnsupportedTools }: EncodeRequestOptions,
  warnings: Warnings,
): JsonObject | undefined => {
  if (tool.type === 'web-search') return encodeSearch(tool, path, warnings)
  if (tool.type === 'opaque' && tool.protocol === 'gemini') return { ...tool.value }
  if (tool.type === 'custom' || !dropUnsupportedTools) return unsupported(path, foreign)
  warnings.dropped(path, foreign)
  return undefined
}

/** Models before Gemini 3 take either functions or tools of Google's, not both. */
const beside = (path: string, { dropUnsupportedTools }: EncodeRequestOptions, warnings: Warnings): undefined => {
  const why = 'this model takes no hosted tools beside functions'
  if (!dropUnsupportedTools) unsupported(path, why)
  warnings.dropped(path, why)
  return undefined
}

/** Domains would be a promise that the API does not keep; the rest are wishes. */
const encodeSearch = (tool: WebSearchTool, path: string, warnings: Warnings): JsonObject => {
  if (tool.original.protocol === 'gemini') return { ...tool.original.value }
  if (tool.allowedDomains?.length || tool.blockedDomains?.length)
    unsupported(path, 'the search of the Gemini API cannot be restricted to domains')
  if (tool.location) warnings.dropped(`${path}.user_location`, 'the search of the Gemini API takes no location')
  if (tool.maxUses !== undefined) warnings.dropped(`${path}.max_uses`, 'the searches of the Gemini API are not counted')
  if (tool.contextSize && tool.contextSize !== 'medium')
    warnings.dropped(`${path}.search_context_size`, 'the Gemini API has no size of the search context')
  return { googleSearch: {} }
}

/** Tools whose arguments must fit their schema are called in the mode that sees to it; `ANY` does so by itself. */
const encodeChoice = ({ toolChoice: choice, tools, protocol }: NeutralRequest): JsonObject | undefined => {
  const strict = tools.some((tool) => isFunction(tool) && tool.strict === true)
  switch (choice?.mode) {
    case undefined:
      return strict ? { mode: 'VALIDATED' } : undefined
    case 'auto':
      return { mode: strict ? 'VALIDATED' : 'AUTO' }
    case 'none':
      return { mode: 'NONE' }
    case 'required':
      return { mode: 'ANY' }
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] }
    case 'subset':
      if (!choice.required && protocol !== 'gemini') return { mode: strict ? 'VALIDATED' : 'AUTO' }
      // VALIDATED is put back from what was kept of the client's words.
      return { mode: choice.required ? 'ANY' : 'AUTO', allowedFunctionNames: [...choice.names] }
  }
}
