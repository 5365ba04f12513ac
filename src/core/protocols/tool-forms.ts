import type {
  Block,
  CustomTool,
  JsonObject,
  NeutralEvent,
  NeutralRequest,
  NeutralResponse,
  NeutralTool,
  Part,
  Warning,
} from './neutral/index.ts'
import { refusalsFor } from './warnings.ts'

/** Names of tools whose input is free text at the client and a function's argument at the provider. */
export type FreeTextTools = ReadonlySet<string>

const property = 'input'
const schema: JsonObject = {
  type: 'object',
  properties: { [property]: { type: 'string' } },
  required: [property],
  additionalProperties: false,
}

const unsupported = refusalsFor('a protocol that has no free-text tools')

/**
 * The request with free-text tools (OpenAI's `custom`) as functions that take one string, for protocols without them; calls in the history too. A grammar is a promise
 * about the text that a function cannot make: refused, or left out with the tool when the model is set to leave out what it lacks.
 */
export const asFunctions = (
  request: NeutralRequest,
  { dropUnsupportedTools }: { readonly dropUnsupportedTools: boolean },
): { readonly request: NeutralRequest; readonly freeText: FreeTextTools; readonly warnings: readonly Warning[] } => {
  const freeText = new Set<string>()
  const warnings: Warning[] = []
  const lower = (tool: CustomTool, index: number): NeutralTool[] => {
    const path = tool.path ?? `tools[${index}]`
    if (tool.grammar) {
      if (!dropUnsupportedTools) unsupported(`${path}.format`, 'a grammar for the input of a tool cannot be kept')
      warnings.push({ path, action: 'dropped', reason: 'a grammar for the input of a tool cannot be kept' })
      return []
    }
    freeText.add(tool.name)
    warnings.push({ path, action: 'changed', reason: 'sent as a function with one string' })
    const { name, description } = tool
    return [{ type: 'function', name, schema, path, ...(description !== undefined && { description }) }]
  }
  const tools = request.tools.flatMap((tool, index) => (tool.type === 'custom' ? lower(tool, index) : [tool]))
  let calls = 0
  const part = (given: Part): Part => {
    if (given.type !== 'tool-call' || !given.custom) return given
    calls++
    const { custom: _, ...call } = given
    return { ...call, arguments: JSON.stringify({ [property]: given.arguments }) }
  }
  const messages = request.messages.map((message) =>
    message.role === 'assistant' ? { ...message, parts: message.parts.map(part) } : message,
  )
  const changed = calls > 0 || warnings.length > 0
  return { request: changed ? { ...request, tools, messages } : request, freeText, warnings }
}

/** The text in `{"input": "…"}`; what a model wrote instead, if it wrote something else. */
const inputOf = (json: string): string => {
  try {
    const value = (JSON.parse(json) as JsonObject | null)?.[property]
    return typeof value === 'string' ? value : json
  } catch {
    return json
  }
}

/** Turns the calls of one answer back. Their text is known when the call is whole. */
export class FreeTextCalls {
  readonly #names: FreeTextTools
  readonly #open = new Map<number, string>()

  constructor(names: FreeTextTools) {
    this.#names = names
  }

  push(event: NeutralEvent): readonly NeutralEvent[] {
    if (event.type === 'block-start' && event.block.kind === 'tool-call' && this.#names.has(event.block.name)) {
      this.#open.set(event.choice, '')
      return [{ ...event, block: { ...event.block, custom: true } }]
    }
    if (event.type !== 'block-delta' && event.type !== 'block-stop') return [event]
    const text = this.#open.get(event.choice)
    if (text === undefined) return [event]
    if (event.type === 'block-delta') {
      if (event.delta.kind === 'arguments') this.#open.set(event.choice, text + event.delta.json)
      return []
    }
    this.#open.delete(event.choice)
    const { choice, index } = event
    return [{ type: 'block-delta', choice, index, delta: { kind: 'arguments', json: inputOf(text) } }, event]
  }
}

/** The same for a whole answer. */
export const restoreFreeText = (response: NeutralResponse, names: FreeTextTools): NeutralResponse => {
  if (names.size === 0) return response
  const restore = (block: Block): Block =>
    block.kind === 'tool-call' && names.has(block.name)
      ? { ...block, custom: true, arguments: inputOf(block.arguments) }
      : block
  return {
    ...response,
    choices: response.choices.map(({ blocks, finish }) => ({ finish, blocks: blocks.map(restore) })),
  }
}
