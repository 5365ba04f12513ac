import type { RequestFacts } from '../protocols/protocol.ts'
import { readField, type ScannedObject } from '../protocols/json-scan.ts'

/** Whether the body defines tools, under the name that all protocols share or the older one of chat. */
export const definesTools = ({ scanned }: RequestFacts): boolean =>
  scanned.fields.has('tools') || scanned.fields.has('functions') || adds(scanned)

/** Fields that ask for tools of the provider by being there: MCP servers (Messages), web search (Chat Completions). */
const hostedFields = ['mcp_servers', 'web_search_options']
/** Types of tools that the provider runs itself, with or without a date behind them. A quote inside a string is escaped and no quote here. */
const hostedType =
  /"type"\s*:\s*"(?:web_search|web_fetch|code_execution|tool_search|mcp|file_search|code_interpreter|image_generation|programmatic_tool_calling|shell")/u
/** Gemini names the kind of a tool by its key. */
const hostedKey =
  /"(?:google_?search(?:_?retrieval)?|code_?execution|url_?context|file_?search|google_?maps|computer_?use|mcp_?servers|retrieval|enterprise_?web_?search)"\s*:/iu
const empty = /^(?:null|\[\s*\])$/u

/** Whether the provider runs tools for this request: what they return becomes prompt that is in no body. */
export const usesHostedTools = ({ scanned }: RequestFacts): boolean =>
  hostedFields.some((name) => scanned.fields.has(name) && !empty.test(textOf(scanned, name))) ||
  hasHostedType(scanned, 'tools') ||
  (adds(scanned) && hasHostedType(scanned, 'input'))

/** Responses: items of the input can add tools. */
const adds = ({ bytes, fields }: ScannedObject): boolean => fields.has('input') && bytes.includes('additional_tools')

const hasHostedType = (scanned: ScannedObject, field: 'tools' | 'input'): boolean => {
  if (!scanned.fields.has(field)) return false
  // Gemini's requests have contents. A parameter of that name in the schema of a function makes the hold larger than needed, never smaller.
  const named = scanned.fields.has('contents')
  const tells = (text: string): boolean => hostedType.test(text) || (named && hostedKey.test(text))
  const text = textOf(scanned, field)
  // Any letter may be written as an escape; one parse brings all to their plain form.
  return tells(text) || (text.includes('\\u') && tells(JSON.stringify(readField(scanned, field))))
}

const textOf = ({ bytes, fields }: ScannedObject, name: string): string => {
  const { valueStart, valueEnd } = fields.get(name)!
  return bytes.toString('latin1', valueStart, valueEnd)
}
