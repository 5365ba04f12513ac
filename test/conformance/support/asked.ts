import type {
  Block,
  NeutralMessage,
  NeutralRequest,
  NeutralResponse,
  Part,
} from '../../../src/core/protocols/neutral/index.ts'
import type { JsonObject } from '../../../src/core/protocols/neutral/index.ts'
import type { Place, Protocol } from '../../../src/core/protocols/protocol.ts'
import { GatewayError } from '../../../src/core/kernel/errors.ts'

/** What a client of a protocol sends, and what its path tells. */
export interface Asked {
  readonly body: JsonObject
  readonly place: Place
}

const userTurn: NeutralMessage = { role: 'user', parts: [{ type: 'text', text: 'Go on.' }] }

/** A question of this client that this answer could be the answer to: with the tools that it calls and as many choices, and all reasoning wanted. */
const questionFor = ({ choices }: NeutralResponse, stream: boolean): NeutralRequest => {
  const calls = choices.flatMap(({ blocks }) => blocks.filter((block) => block.kind === 'tool-call'))
  const tools = new Map(
    calls.map(({ name, custom }): [string, NeutralRequest['tools'][number]] => [
      name,
      custom
        ? { type: 'custom', name }
        : { type: 'function', name, schema: { type: 'object', properties: {} }, strict: false },
    ]),
  )
  return {
    protocol: 'openai-chat',
    model: 'shadow',
    stream,
    includeUsage: true,
    system: [],
    messages: [userTurn],
    tools: [...tools.values()],
    maxTokens: 50_000,
    reasoning: { mode: 'on', budgetTokens: 8192, display: 'summarized' },
    ...(choices.length > 1 && { choices: choices.length }),
  }
}

/** Undefined when a client of this protocol cannot ask for such an answer (several choices, free-text tools). */
export const asks = (
  client: Protocol,
  answer: NeutralResponse,
  stream: boolean,
  more: readonly NeutralMessage[] = [],
): Asked | undefined => {
  const { protocol: _, ...question } = questionFor(answer, stream)
  const needsCustom = question.tools.some(({ type }) => type === 'custom')
  if (needsCustom && !client.customTools) return undefined
  try {
    const { body } = client.encodeRequest(
      { ...question, protocol: client.id, messages: [userTurn, ...more] },
      { model: 'shadow', defaultMaxTokens: 50_000 },
    )
    return {
      body: { ...body, ...stateWanted[client.id] },
      place: { model: 'shadow', stream },
    }
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'unsupported_parameter') return undefined
    throw error
  }
}

/** Clients that carry reasoning state themselves say so. */
const stateWanted: Readonly<Record<string, JsonObject>> = {
  'openai-responses': { store: false, include: ['reasoning.encrypted_content'] },
}

const partOf = (block: Block): Part => {
  switch (block.kind) {
    case 'text':
    case 'refusal':
      return { type: block.kind, text: block.text }
    case 'thinking': {
      const { kind, ...told } = block
      return { type: kind, ...told }
    }
    case 'tool-call': {
      const { kind, ...told } = block
      return { type: kind, ...told }
    }
    case 'opaque':
      return block.part
  }
}

/** The next turn of a client that keeps whatever it was given: the answer, a result for every call, or another question. */
export const nextTurn = ({ choices }: NeutralResponse): NeutralMessage[] => {
  const parts = choices[0]!.blocks.map(partOf).filter((part) => part.type !== 'text' || part.text.trim() !== '')
  const results = parts.flatMap((part): Part[] =>
    part.type === 'tool-call'
      ? [{ type: 'tool-result', callId: part.id, content: [{ type: 'text', text: 'done' }] }]
      : [],
  )
  return [
    { role: 'assistant', parts },
    { role: 'user', parts: results.length > 0 ? results : [{ type: 'text', text: 'And then?' }] },
  ]
}
