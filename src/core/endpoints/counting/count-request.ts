import type { NeutralRequest, Part, ProtocolId } from '../../protocols/neutral/index.ts'
import { audioTokens, documentTokens, imageTokens } from './media-tokens.ts'

/** What frames each message, and what opens the answer (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken). */
const messageTokens = 3
const answerTokens = 3
/** What frames a tool beside its definition (same page: 7 in front of each function, 12 behind them all). */
const toolTokens = 7
const toolsTokens = 12

/** A request as texts for the tokenizer and tokens that are no text. */
export interface Countable {
  readonly texts: readonly string[]
  readonly tokens: number
}

/** All that a provider would read of the request: instructions, messages, calls, results, definitions of tools, images. `provider`: whose rule images follow. */
export const countable = (request: NeutralRequest, provider: ProtocolId): Countable => {
  const texts: string[] = []
  let tokens = answerTokens
  const read = (part: Part): void => {
    switch (part.type) {
      case 'text':
      case 'refusal':
        texts.push(part.text)
        break
      case 'tool-call':
        texts.push(part.name, part.arguments)
        break
      case 'tool-result':
        for (const inner of part.content) read(inner)
        break
      case 'image':
        tokens += imageTokens(part, provider)
        break
      case 'document':
        if (part.title !== undefined) texts.push(part.title)
        if (part.source.from === 'text') texts.push(part.source.text)
        else tokens += documentTokens(part)
        break
      case 'audio':
        tokens += audioTokens(part)
        break
      case 'opaque':
        texts.push(JSON.stringify(part.value))
        break
      case 'thinking':
        // Earlier thinking is not read again by the models that made it.
        break
    }
  }
  if (request.system.length > 0) tokens += messageTokens
  for (const part of request.system) read(part)
  for (const { parts, name } of request.messages) {
    tokens += messageTokens
    if (name !== undefined) texts.push(name)
    for (const part of parts) read(part)
  }
  if (request.tools.length > 0) tokens += toolsTokens
  for (const tool of request.tools) {
    tokens += toolTokens
    texts.push(definition(tool))
  }
  if (request.format?.type === 'schema') texts.push(JSON.stringify(request.format.schema))
  return { texts, tokens }
}

const definition = (tool: NeutralRequest['tools'][number]): string => {
  if (tool.type === 'opaque') return JSON.stringify(tool.value)
  if (tool.type === 'web-search') return JSON.stringify(tool.original.value)
  const { name, description } = tool
  const input = tool.type === 'function' ? tool.schema : tool.grammar
  return `${name} ${description ?? ''} ${input ? JSON.stringify(input) : ''}`
}
