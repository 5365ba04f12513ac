import { hash } from 'node:crypto'
import type { NeutralEvent, NeutralRequest, NeutralResponse, Part, ToolChoice } from './neutral/index.ts'

const longest = 55

/** The client's names by the ones that were sent instead. */
export type SentNames = ReadonlyMap<string, string>

/**
 * The request with names of tools that the provider would refuse (too long, odd characters) replaced everywhere: definitions, choice and history. The same name always
 * becomes the same, so that prompt caches hold. Answers are turned back with the table.
 */
export const sendableToolNames = (
  request: NeutralRequest,
  accepted: RegExp,
): { readonly request: NeutralRequest; readonly sent: SentNames } => {
  const sent = new Map<string, string>()
  const short = (name: string): string => {
    if (accepted.test(name)) return name
    // Gemini takes no digit and no dash in front.
    const plain = name
      .replace(/^(?=[^a-zA-Z_])/, '_')
      .replaceAll(/[^a-zA-Z0-9_-]/g, '_')
      .slice(0, longest)
    const shortened = `${plain}_${hash('sha256', name, 'hex').slice(0, 8)}`
    sent.set(shortened, name)
    return shortened
  }
  const part = (given: Part): Part => (given.type === 'tool-call' ? { ...given, name: short(given.name) } : given)
  const replaced: NeutralRequest = {
    ...request,
    tools: request.tools.map((tool) => (tool.type === 'function' ? { ...tool, name: short(tool.name) } : tool)),
    messages: request.messages.map((message) =>
      message.role === 'assistant' ? { ...message, parts: message.parts.map(part) } : message,
    ),
    ...(request.toolChoice && { toolChoice: choose(request.toolChoice, short) }),
  }
  return { request: sent.size === 0 ? request : replaced, sent }
}

const choose = (choice: ToolChoice, short: (name: string) => string): ToolChoice => {
  if (choice.mode === 'tool') return { mode: 'tool', name: short(choice.name) }
  return choice.mode === 'subset' ? { ...choice, names: choice.names.map(short) } : choice
}

/** An event with the client's own name of the tool. */
export const restoreInEvent = (event: NeutralEvent, sent: SentNames): NeutralEvent => {
  if (event.type !== 'block-start' || event.block.kind !== 'tool-call') return event
  const name = sent.get(event.block.name)
  return name === undefined ? event : { ...event, block: { ...event.block, name } }
}

/** An answer with the client's own names of the tools. */
export const restoreInResponse = (response: NeutralResponse, sent: SentNames): NeutralResponse => {
  if (sent.size === 0) return response
  const choices = response.choices.map(({ blocks, finish }) => ({
    finish,
    blocks: blocks.map((block) =>
      block.kind === 'tool-call' ? { ...block, name: sent.get(block.name) ?? block.name } : block,
    ),
  }))
  return { ...response, choices }
}
