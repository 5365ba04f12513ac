import { describe, expect, test } from 'vitest'
import { anthropicMessages } from '../../src/core/protocols/anthropic-messages/index.ts'
import { bedrockConverse } from '../../src/core/protocols/bedrock-converse/index.ts'
import type { JsonObject, NeutralResponse } from '../../src/core/protocols/neutral/index.ts'
import { inputTotal, outputTotal } from '../../src/core/protocols/neutral/index.ts'
import type { ProviderProtocol } from '../../src/core/protocols/protocol.ts'
import { awsEventStream } from '../../src/core/provider-kinds/aws-event-stream.ts'
import {
  answerOf,
  brokenLaws,
  decodeStream,
  isStream,
  readRecordings,
  readRecordingsIn,
  recordingsPresent,
  recut,
  streamBytes,
  type Recording,
} from '../support/recordings.ts'

/** What Bedrock sent, as it left AWS: binary streams included. */
const converse = readRecordings('bedrock-converse')
const invoked = readRecordingsIn('bedrock-invoke', 'bedrock-invoke-with-response-stream').filter(({ id }) =>
  /claude|prompt-cache/.test(id),
)

const unframe = (mode: 'events' | 'chunks', pieces: readonly Buffer[]): Buffer[] => {
  const unframer = awsEventStream(mode)
  return [...pieces.map((piece) => unframer.push(piece)), unframer.finish()]
}
const events = (protocol: ProviderProtocol, mode: 'events' | 'chunks', pieces: readonly Buffer[]) =>
  decodeStream(protocol, unframe(mode, pieces))

const isAnswer = ({ response }: Recording): boolean => response.status === 200
const kindsOf = ({ choices }: NeutralResponse) => choices[0]!.blocks.map(({ kind }) => kind)

/** The text and the arguments that the recorded messages hold, read without our decoder. */
const toldBy = (bytes: Buffer): string => {
  const text = unframe('events', [bytes]).join('')
  const deltas = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!) as JsonObject)
  return deltas
    .map((event) => (event['delta'] ?? {}) as { text?: string; toolUse?: { input: string } })
    .map((delta) => delta.text ?? delta.toolUse?.input ?? '')
    .join('')
}

describe.skipIf(!recordingsPresent)('recorded Converse answers (skipped where they are absent)', () => {
  test('are there', () => {
    expect(converse.length).toBeGreaterThan(15)
    expect(invoked.length).toBeGreaterThan(5)
  })

  describe.each(
    converse
      .filter(isAnswer)
      .filter((one) => !isStream(one))
      .map((one) => [one.id, one] as const),
  )('%s', (_id, { response }) => {
    test('is decoded with every block, its reason and its usage', () => {
      const body = response.json!
      const answer = bedrockConverse.decodeResponse(body)
      const { output, usage } = body as { output: { message: { content: JsonObject[] } }; usage: JsonObject }
      expect(answer.choices[0]!.blocks).toHaveLength(output.message.content.length)
      expect(answer.choices[0]!.finish).toMatchObject({ raw: body['stopReason'] })
      expect(answer.choices[0]!.finish.reason).not.toBe('other')
      expect(inputTotal(answer.usage!) + outputTotal(answer.usage!)).toBe(usage['totalTokens'])
      expect(answer.usage!.anomalies).toBeUndefined()
    })

    test('is the same when it is sent again as the history of a conversation', () => {
      const { choices } = bedrockConverse.decodeResponse(response.json!)
      const { output } = response.json as { output: { message: { content: JsonObject[] } } }
      const plain = output.message.content.filter(
        (block) => 'text' in block || 'reasoningContent' in block || 'toolUse' in block,
      )
      if (plain.length < output.message.content.length) return
      const parts = choices[0]!.blocks.map((block) => {
        if (block.kind === 'tool-call')
          return { type: 'tool-call', id: block.id, name: block.name, arguments: block.arguments } as const
        if (block.kind === 'thinking') {
          const { kind: _, ...thinking } = block
          return { type: 'thinking', ...thinking } as const
        }
        return { type: 'text', text: block.kind === 'text' ? block.text : '' } as const
      })
      const calls = parts.filter(({ type }) => type === 'tool-call') as { id: string }[]
      const results = calls.map(({ id }) => ({ type: 'tool-result', callId: id, content: [] }) as const)
      const request = {
        protocol: 'openai-chat',
        model: 'm',
        stream: false,
        includeUsage: true,
        system: [],
        messages: [
          { role: 'user', parts: [{ type: 'text', text: 'q' }] },
          { role: 'assistant', parts },
          { role: 'user', parts: results.length > 0 ? results : [{ type: 'text', text: 'next' } as const] },
        ],
        tools: [],
      } as const
      const { body } = bedrockConverse.encodeRequest(request, { model: 'amazon.nova-2-lite-v1:0', defaultMaxTokens: 9 })
      expect((body['messages'] as { content: JsonObject[] }[])[1]!.content).toEqual(plain)
    })
  })

  describe.each(converse.filter(isStream).map((one) => [one.id, one] as const))('%s', (_id, recording) => {
    const bytes = streamBytes(recording)

    test('is decoded whole, keeps the laws and tells its usage', () => {
      const told = events(bedrockConverse, 'events', [bytes])
      expect(brokenLaws(told)).toEqual([])
      const answer = answerOf(told)
      expect(answer.choices[0]!.finish.reason).not.toBe('other')
      expect(outputTotal(answer.usage!)).toBeGreaterThan(0)
      const said = answer.choices[0]!.blocks.map((block) =>
        block.kind === 'text' ? block.text : block.kind === 'tool-call' ? block.arguments : '',
      )
      expect(said.join('')).toBe(toldBy(bytes))
    })

    test('is the same however it is cut', () => {
      const whole = answerOf(events(bedrockConverse, 'events', [bytes]))
      for (let seed = 1; seed <= 20; seed++)
        expect(answerOf(events(bedrockConverse, 'events', recut(bytes, seed)))).toEqual({
          ...whole,
          id: expect.any(String) as string,
        })
    })

    test('that is cut short, or ends in the middle of a message, is a failure', () => {
      const whole = kindsOf(answerOf(events(bedrockConverse, 'events', [bytes])))
      for (const part of [0.2, 0.4, 0.6]) {
        const told = events(bedrockConverse, 'events', [bytes.subarray(0, Math.floor(bytes.length * part))])
        expect(brokenLaws(told)).toEqual([])
        expect(() => answerOf(told)).toThrow(/before it was complete/)
      }
      expect(whole.length).toBeGreaterThan(0)
    })
  })

  test('that are errors are told with their class', () => {
    const failed = converse.filter((one) => !isAnswer(one))
    expect(failed.length).toBeGreaterThan(2)
    for (const { response } of failed) {
      const headers = (name: string) => response.headers?.[name]
      const failure = bedrockConverse.decodeError(
        response.status,
        headers,
        Buffer.from(JSON.stringify(response.json ?? {})),
      )
      expect(failure.message).toBe((response.json as { message: string }).message)
      const expected = /exceed/i.test(failure.message)
        ? 'context-length'
        : /identifier is invalid/.test(failure.message)
          ? 'model-not-found'
          : 'client'
      expect(failure.class).toBe(expected)
    }
  })
})

describe.skipIf(!recordingsPresent)('recorded answers of Claude on Bedrock (skipped where they are absent)', () => {
  const streams = invoked.filter(isStream).map((one) => [one.id, one] as const)
  const whole = invoked.filter((one) => isAnswer(one) && !isStream(one) && 'content' in (one.response.json ?? {}))

  test.each(streams)('%s is an ordinary stream of the Messages API once it is unframed', (_id, recording) => {
    const bytes = streamBytes(recording)
    const told = events(anthropicMessages, 'chunks', [bytes])
    expect(brokenLaws(told)).toEqual([])
    const answer = answerOf(told)
    expect(outputTotal(answer.usage!)).toBeGreaterThan(0)
    for (let seed = 1; seed <= 10; seed++)
      expect(answerOf(events(anthropicMessages, 'chunks', recut(bytes, seed)))).toEqual(answer)
  })

  test.each(streams)('%s passes the tap with its usage and without AWS in it', (_id, recording) => {
    const tap = anthropicMessages.raw.createTap({ model: 'shadow', includeUsage: true })
    const out = unframe('chunks', recut(streamBytes(recording), 7)).map((piece) => tap.push(piece))
    const text = Buffer.concat([...out, tap.finish()]).toString('utf8')
    expect(tap.observed).toMatchObject({ complete: true, usage: { output: { reasoning: 0 } } })
    expect(text).not.toMatch(/amazon|claude-/)
    expect(text).toContain('"shadow"')
  })

  test.each(whole.map((one) => [one.id, one] as const))('%s is an ordinary message', (_id, { response }) => {
    const { observed } = anthropicMessages.raw.response(Buffer.from(JSON.stringify(response.json)), { model: 'shadow' })
    expect(observed.complete).toBe(true)
    expect(outputTotal(observed.usage!)).toBeGreaterThan(0)
  })
})
