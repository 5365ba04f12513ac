import type { JsonObject, NeutralResponse, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocolById } from '../../../src/core/protocols/index.ts'
import { answerOf } from '../../support/recordings.ts'
import { asks, nextTurn } from './asked.ts'
import { keptMessage } from './chat-client.ts'
import { answered, type Line, sent, streamed } from './lines.ts'

/** What the provider gets in the turn after an answer: the client keeps what it was given and sends it back, with a result for every call. */
export const secondTurn = (
  line: Line,
  told: Buffer | JsonObject,
): { body: JsonObject; warnings: readonly { path: string; reason: string }[] } => {
  const stream = Buffer.isBuffer(told)
  const { bytes, answer } = stream ? fromStream(line, told) : fromWhole(line, told)
  const asked = asks(protocolById(line.client), answer, false, nextTurn(answer))!
  const kept = line.client === 'openai-chat' ? keptMessage(bytes, stream) : undefined
  const messages = asked.body['messages'] as JsonObject[] | undefined
  const ask = kept
    ? { ...asked.body, messages: messages!.map((message) => (message['role'] === 'assistant' ? kept : message)) }
    : asked.body
  return sent({ ...line, ask: without(ask, line.client) })
}

/** Sealed state and budgets do not go together with forced tools; the question is as plain as can be. */
const without = (body: JsonObject, client: ProtocolId): JsonObject => {
  const { thinking: _, reasoning_effort: __, ...rest } = body
  return client === 'anthropic-messages' || client === 'openai-chat' ? rest : body
}

interface Given {
  readonly bytes: Buffer
  readonly answer: NeutralResponse
}

const fromStream = (line: Line, told: Buffer): Given => {
  const { text, events } = streamed(line, told)
  return { bytes: Buffer.from(text), answer: answerOf(events) }
}

const fromWhole = (line: Line, told: JsonObject): Given => {
  const { body } = answered(line, told)
  return { bytes: Buffer.from(JSON.stringify(body)), answer: protocolById(line.client).decodeResponse(body) }
}
