import { fieldName } from '../client-fields.ts'
import type { JsonObject, NeutralRequest, NeutralTool } from '../neutral/index.ts'
import { refuse } from '../read.ts'
import { cachePoint, type Encoding } from './encode-content.ts'
import { unsupported } from './refusals.ts'

export const toolName = /^[a-zA-Z0-9_-]{1,64}$/

/** `toolConfig`, in the client's order (prompt caches key on it). A choice among some of the tools is made by sending only those. */
export const encodeTools = (
  request: NeutralRequest,
  { dropUnsupportedTools = false }: { readonly dropUnsupportedTools?: boolean | undefined },
  encoding: Encoding,
): JsonObject => {
  const choice = request.toolChoice
  const known = functions(request, dropUnsupportedTools, encoding)
  const place = fieldName(request, 'toolChoice')
  const declared = new Set(known.map(({ name }) => name))
  const wanted = new Set(namesOf(choice))
  for (const name of wanted) if (!declared.has(name)) refuse(place, `there is no tool "${name}" in tools.`)
  if (choice?.mode === 'none' && known.length > 0) return withoutTools(request, place)
  const tools = choice?.mode === 'subset' ? known.filter(({ name }) => wanted.has(name)) : known
  if (tools.length < known.length) encoding.warnings.changed('tools', 'only the allowed tools are sent')
  if (tools.length === 0) {
    if (choice?.mode === 'required' || choice?.mode === 'subset')
      refuse(place, 'a tool is demanded, but there are none in tools.')
    return {}
  }
  if (request.parallelToolCalls === false)
    encoding.warnings.dropped(fieldName(request, 'parallelToolCalls'), 'the Converse API has no such switch')
  const encoded = encodeChoice(choice)
  return {
    toolConfig: {
      tools: tools.flatMap((tool) => encodeTool(tool, encoding)),
      ...(encoded && { toolChoice: encoded }),
    },
  }
}

/** Calls in the history cannot be sent without the tools, and with them the model may call again. */
const withoutTools = ({ messages }: NeutralRequest, place: string): JsonObject => {
  const called = messages.some(({ parts }) => parts.some(({ type }) => type === 'tool-call' || type === 'tool-result'))
  return called ? unsupported(place, 'calls of tools cannot be forbidden in a conversation that has some') : {}
}

const namesOf = (choice: NeutralRequest['toolChoice']): readonly string[] =>
  choice?.mode === 'tool' ? [choice.name] : choice?.mode === 'subset' ? choice.names : []

/** Tools that only another provider runs are left out where the model is set to leave out what it lacks. */
const functions = (request: NeutralRequest, drop: boolean, { warnings }: Encoding): NeutralTool[] => {
  const kept: NeutralTool[] = []
  for (const [index, tool] of request.tools.entries()) {
    const path = tool.path ?? `tools[${index}]`
    if (tool.type === 'function') kept.push({ ...tool, path })
    else if (drop) warnings.dropped(path, 'this tool has no counterpart')
    else unsupported(path, 'this tool has no counterpart')
  }
  return kept
}

const encodeTool = (tool: NeutralTool, encoding: Encoding): JsonObject[] => {
  const path = tool.path ?? 'tools'
  if (!toolName.test(tool.name))
    unsupported(`${path}.name`, 'must be 1 to 64 characters of letters, digits, "_" and "-"')
  encoding.warnings.extensions(path, tool.extensions)
  return [
    {
      toolSpec: {
        name: tool.name,
        ...(tool.description !== undefined && tool.description !== '' && { description: tool.description }),
        inputSchema: { json: encodeSchema(tool.schema, path) },
        ...(tool.strict && { strict: true }),
      },
    },
    ...cachePoint(tool.cache, path, encoding),
  ]
}

const encodeSchema = (schema: JsonObject | undefined, path: string): JsonObject => {
  if (!schema) return { type: 'object', properties: {} }
  if (schema['type'] === undefined) return { type: 'object', ...schema }
  return schema['type'] === 'object' ? schema : unsupported(path, 'the schema of a tool must have type "object"')
}

const encodeChoice = (choice: NeutralRequest['toolChoice']): JsonObject | undefined => {
  switch (choice?.mode) {
    case undefined:
    case 'none':
      return undefined
    case 'auto':
      return { auto: {} }
    case 'required':
      return { any: {} }
    case 'tool':
      return { tool: { name: choice.name } }
    case 'subset':
      return choice.required ? { any: {} } : { auto: {} }
  }
}
