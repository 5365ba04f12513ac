import { GatewayError } from '../../kernel/errors.ts'
import type { Block, JsonObject, JsonValue, NeutralResponse } from '../neutral/index.ts'
import type { DecodeOptions } from '../protocol.ts'
import type { ChatDialect } from './dialect.ts'
import { FailedAnswer, toldError } from '../failed-answer.ts'
import { isObject } from '../read.ts'
import { decodeStreamError } from './errors.ts'
import { decodeFinish, unnamedEnd } from './finish.ts'
import { mintCallId } from './ids.ts'
import { readArguments, readCitations, readPieces } from './read-content.ts'
import { decodeUsage } from './usage.ts'

/** A provider's whole answer. Throws FailedAnswer for an error, `upstream_error` when it is none, `upstream_disconnected` when it has no end. */
export const decodeResponse = (body: JsonObject, { chat }: DecodeOptions = {}): NeutralResponse => {
  const { id, model, created, choices } = body
  const answers = Array.isArray(choices) ? choices.filter(isObject) : []
  const error = answers.length === 0 ? toldError(body) : undefined
  if (error) throw new FailedAnswer(decodeStreamError(error))
  if (answers.length === 0)
    throw new GatewayError('upstream_error', 'The provider sent an answer that holds no choice.')
  const usage = decodeUsage(body['usage'])
  return {
    id: typeof id === 'string' ? id : '',
    model: typeof model === 'string' ? model : '',
    // Some servers say 0, which is no time at all.
    ...(typeof created === 'number' && created > 0 && { created: Math.floor(created) }),
    choices: answers.toSorted((left, right) => order(left) - order(right)).map((choice) => decodeChoice(choice, chat)),
    ...(usage && { usage }),
  }
}

const order = (choice: JsonObject): number => (typeof choice['index'] === 'number' ? choice['index'] : 0)

/** A choice without a message (Azure's content filter) is an answer without blocks. */
const decodeChoice = (choice: JsonObject, dialect: ChatDialect | undefined): NeutralResponse['choices'][number] => {
  const message = isObject(choice['message']) ? choice['message'] : {}
  const citations = readCitations(message)
  const blocks: Block[] = readPieces(message).map((piece) =>
    piece.kind === 'text' && citations.length > 0 ? { kind: 'text', text: piece.text, citations } : piece,
  )
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isObject) : []
  blocks.push(...calls.map(decodeCall))
  if (calls.length === 0 && isObject(message['function_call'])) {
    const { name, arguments: written } = message['function_call']
    if (typeof name === 'string' && name !== '')
      blocks.push({ kind: 'tool-call', id: mintCallId(), name, arguments: readArguments(written) })
  }
  const made = blocks.filter((block) => block.kind === 'tool-call')
  const named = (choice['finish_reason'] ?? '') !== ''
  const called = made.length > 0 && (named || made.every((call) => call.custom || isJson(call.arguments)))
  const finish = decodeFinish(choice['finish_reason'], called, dialect)
  if (!finish) throw new GatewayError('upstream_disconnected', undefined, {}, { cause: new Error(unnamedEnd) })
  return { blocks, finish }
}

const isJson = (written: string): boolean => {
  try {
    JSON.parse(written)
    return true
  } catch {
    return false
  }
}

const decodeCall = (call: JsonObject): Block => {
  const id = text(call['id']) || mintCallId()
  if (isObject(call['custom']) && !isObject(call['function'])) {
    const { name, input } = call['custom']
    return { kind: 'tool-call', id, name: text(name), arguments: text(input), custom: true }
  }
  const made: JsonObject = isObject(call['function']) ? call['function'] : {}
  return {
    kind: 'tool-call',
    id,
    name: text(made['name']),
    arguments: readArguments(made['arguments']),
  }
}

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')
