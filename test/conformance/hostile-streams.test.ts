import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProtocolId } from '../../src/core/protocols/neutral/index.ts'
import { protocols, providerProtocols } from '../../src/core/protocols/index.ts'
import type { ProviderProtocol } from '../../src/core/protocols/protocol.ts'
import { brokenLaws, decodeStream, readRecordings, isStream, recordingsPresent, recut } from '../support/recordings.ts'
import { eventBytes } from './support/answers.ts'
import { anyQuestion } from './support/failures.ts'
import { carry, crossingRoad } from './support/roads.ts'

/** Values that real and hostile servers put where something else belongs. */
const odd = fc.oneof(
  fc.constantFrom(null, '', [], {}, -1, 1e308, 'null', [[]], [null], { length: -1 }, 'a'.repeat(300)),
  fc.jsonValue({ maxDepth: 2 }),
)

/** Names of members that mean something in a stream of the protocol. */
const names: Readonly<Record<ProtocolId, string>> = {
  'openai-chat': `id model created choices index delta role content refusal reasoning_content reasoning reasoning_details tool_calls function name arguments type
    finish_reason usage prompt_tokens completion_tokens total_tokens error message code annotations x_groq custom input`,
  'anthropic-messages': `type index message id model usage content_block delta text thinking partial_json signature stop_reason input_tokens output_tokens input name
    error citation`,
  'openai-responses': `type sequence_number response id model status output item item_id output_index content_index summary_index delta text arguments input part
    summary encrypted_content content annotations annotation name call_id usage input_tokens output_tokens input_tokens_details output_tokens_details error code message
    incomplete_details reason refusal role`,
  gemini: `candidates content parts role text thought thoughtSignature functionCall name args id partialArgs jsonPath willContinue stringValue finishReason index
    usageMetadata promptTokenCount candidatesTokenCount thoughtsTokenCount cachedContentTokenCount totalTokenCount modelVersion responseId promptFeedback blockReason error code
    message status groundingMetadata`,
  'bedrock-converse': `role contentBlockIndex start toolUse toolUseId name delta text input reasoningContent signature redactedContent citation stopReason usage inputTokens
    outputTokens totalTokens cacheReadInputTokens cacheWriteInputTokens metrics message additionalModelResponseFields`,
}

/** Values that choose what an event, an item or an end is. */
const types: Readonly<Record<ProtocolId, string>> = {
  'openai-chat': 'stop function tool_calls length custom assistant',
  'anthropic-messages': `message_start content_block_start content_block_delta content_block_stop message_delta message_stop ping error text tool_use thinking text_delta
    input_json_delta thinking_delta signature_delta redacted_thinking end_turn`,
  'openai-responses': `response.created response.in_progress response.output_item.added response.output_item.done response.content_part.added response.output_text.delta
    response.output_text.done response.function_call_arguments.delta response.function_call_arguments.done response.reasoning_summary_text.delta response.completed
    response.incomplete response.failed error message function_call reasoning output_text refusal custom_tool_call web_search_call in_progress completed`,
  gemini: 'STOP MAX_TOKENS SAFETY MALFORMED_FUNCTION_CALL model PROHIBITED_CONTENT $.a $.a[0]',
  'bedrock-converse': `messageStart contentBlockStart contentBlockDelta contentBlockStop messageStop metadata throttlingException internalServerException end_turn tool_use
    max_tokens assistant`,
}

const wordsOf = (text: string): string[] => text.split(/\s+/)

/** An object with the protocol's own keys and anything at all as values. */
const event = (protocol: ProviderProtocol): fc.Arbitrary<fc.JsonValue> => {
  const key = fc.constantFrom(...wordsOf(names[protocol.id]))
  const leaf = fc.oneof(odd, fc.constantFrom(...wordsOf(types[protocol.id])), fc.nat({ max: 3 }))
  const object = (inner: fc.Arbitrary<fc.JsonValue>) =>
    fc.dictionary(key, inner, { maxKeys: 6 }) as fc.Arbitrary<fc.JsonValue>
  const list = (inner: fc.Arbitrary<fc.JsonValue>) => fc.array(inner, { maxLength: 3 }) as fc.Arbitrary<fc.JsonValue>
  const deep = (depth: number): fc.Arbitrary<fc.JsonValue> =>
    depth === 0 ? leaf : fc.oneof(leaf, object(deep(depth - 1)), list(object(deep(depth - 1))))
  return object(deep(4))
}

const question = new Map(protocols.map((client) => [client.id, anyQuestion(client, true)]))

/** The roads from each client to a provider, sealed state and all. */
const roadsTo = (provider: ProviderProtocol) =>
  protocols.map((client) => ({ client, road: crossingRoad(client, question.get(client.id)!, { provider }) }))
const roads = new Map(providerProtocols.map((provider) => [provider.id, roadsTo(provider)]))

/** Decodes, checks the laws, and lets every client have it as the relay would. */
const survives = (provider: ProviderProtocol, bytes: Buffer): void => {
  const events = decodeStream(provider, [bytes])
  expect(brokenLaws(events)).toEqual([])
  for (const { client, road } of roads.get(provider.id)!) {
    const told = carry(client, road.stream(), [bytes])
    const arrived = decodeStream(client, [told.bytes])
    expect(brokenLaws(arrived)).toEqual([])
    // What failed never looks finished on the other side, unless the one answer that was asked for had come.
    const failed = events.findIndex((one) => one.type === 'error')
    const finished = events.findIndex((one) => one.type === 'finish' && one.choice === 0)
    if (failed !== -1 && (finished === -1 || failed < finished)) expect(told.failed).toBe(true)
    expect(arrived.some((one) => one.type === 'error')).toBe(told.failed)
  }
}

describe.each(providerProtocols.map((protocol) => ({ id: protocol.id, protocol })))(
  'whatever $id sends',
  ({ protocol }) => {
    test('no event, however odd, breaks the laws of the neutral stream or an encoder', () => {
      const stream = fc.array(fc.tuple(fc.constantFrom('', 'error', ...wordsOf(types[protocol.id])), event(protocol)), {
        maxLength: 12,
      })
      fc.assert(
        fc.property(stream, fc.boolean(), (events, done) => {
          const frames = events.map(([name, data]) => `${name && `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`)
          survives(protocol, Buffer.from(frames.join('') + (done ? 'data: [DONE]\n\n' : '')))
        }),
        { numRuns: 500 },
      )
    })

    test('bytes that are no events at all are no answer', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          const events = decodeStream(protocol, [Buffer.from(bytes)])
          expect(brokenLaws(events)).toEqual([])
          expect(events.some((one) => one.type === 'error')).toBe(true)
        }),
      )
    })

    test('an empty stream is a failure', () => {
      expect(decodeStream(protocol, [])).toMatchObject([
        { type: 'start' },
        { type: 'error', error: { status: 502 } },
        { type: 'end' },
      ])
    })

    describe.skipIf(!recordingsPresent)('recordings (skipped where they are absent)', () => {
      const streams = readRecordings(protocol.id).filter(isStream)

      test.each(streams)('torn anywhere and with a piece lost, repeated or spoilt: $id', (recording) => {
        const bytes = eventBytes(protocol, recording)
        const pieces = recut(bytes, 11)
        const frames = bytes.toString().split(/(?<=\r?\n\r?\n)/)
        for (let step = 1; step <= 8; step++) {
          const at = Math.floor((pieces.length * step) / 9)
          survives(protocol, Buffer.concat(pieces.slice(0, at)))
          survives(protocol, Buffer.concat(pieces.toSpliced(at, 1)))
          const frame = Math.floor((frames.length * step) / 9)
          survives(protocol, Buffer.from(frames.toSpliced(frame, 1).join('')))
          survives(protocol, Buffer.from(frames.toSpliced(frame, 0, frames[frame]!).join('')))
        }
      })
    })
  },
)
