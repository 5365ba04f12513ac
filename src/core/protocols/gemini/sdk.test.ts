import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApiError, FinishReason, type GenerateContentResponse, GoogleGenAI, MediaModality } from '@google/genai'
import { ApiError as ApiError2, GoogleGenAI as GoogleGenAI2 } from 'genai-sdk-2'
import { afterEach, describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { unfold } from '../fold.ts'
import type { NeutralResponse } from '../neutral/index.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'
import { renderStreamError } from './errors.ts'

/** Our bytes read by Google's own SDK, of the generation that asks /v1 and the one that asks /v1beta. */
const thinking = { generationConfig: { thinkingConfig: { includeThoughts: true } } }
const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7, asked: thinking }
const params = { model: 'shadow', contents: 'hi' }
const answer: NeutralResponse = {
  id: 'msg_01',
  model: 'claude-real',
  choices: [
    {
      blocks: [
        { kind: 'thinking', text: 'Let me think… ü', signature: 'U0VBTEVE', signedBy: 'anthropic-messages' },
        {
          kind: 'text',
          text: 'Zürich — 東京 🙂',
          citations: [{ type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 0, end_index: 6 }],
        },
        { kind: 'tool-call', id: 'toolu_1', name: 'weather', arguments: '{"city": "Zürich", "days": 3}' },
        { kind: 'tool-call', id: 'toolu_2', name: 'now', arguments: '' },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_use' },
    },
  ],
  usage: {
    input: { uncached: 10, cacheRead: 20, cacheWrite5m: 3, cacheWrite1h: 4 },
    output: { visible: 30, reasoning: 12 },
  },
}

/** What the SDK's types say the answer is: checked when the tests are compiled. */
type Shape = Pick<GenerateContentResponse, 'candidates' | 'usageMetadata' | 'modelVersion'>
const expected = {
  candidates: [
    {
      content: {
        parts: [
          { text: 'Let me think… ü', thought: true },
          { text: 'Zürich — 東京 🙂', thoughtSignature: 'U0VBTEVE' },
          { functionCall: { id: 'toolu_1', name: 'weather', args: { city: 'Zürich', days: 3 } } },
          { functionCall: { id: 'toolu_2', name: 'now', args: {} } },
        ],
        role: 'model',
      },
      finishReason: FinishReason.STOP,
      index: 0,
      groundingMetadata: {
        groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }],
        groundingSupports: [{ segment: { endIndex: 7, text: 'Zürich' }, groundingChunkIndices: [0] }],
      },
    },
  ],
  usageMetadata: {
    promptTokenCount: 37,
    cachedContentTokenCount: 20,
    candidatesTokenCount: 30,
    thoughtsTokenCount: 12,
    totalTokenCount: 79,
    promptTokensDetails: [{ modality: MediaModality.TEXT, tokenCount: 37 }],
    candidatesTokensDetails: [{ modality: MediaModality.TEXT, tokenCount: 30 }],
  },
  modelVersion: 'shadow',
} satisfies Shape
const calls = expected.candidates[0]!.content.parts.slice(2).map((part) => part.functionCall)

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
const serve = async (type: string, bytes: string, { cut = false } = {}): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': type })
    if (cut) response.write(bytes, () => response.destroy())
    else response.end(bytes)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const sdks = [
  ['3.x', (baseUrl: string) => new GoogleGenAI({ apiKey: 'x', httpOptions: { baseUrl } }), ApiError],
  ['2.x', (baseUrl: string) => new GoogleGenAI2({ apiKey: 'x', httpOptions: { baseUrl } }), ApiError2],
] as const

const encoded = (response: NeutralResponse): string => {
  const encoder = new Encoder(options)
  return unfold(response)
    .map((event) => encoder.push(event))
    .join('')
}
const streamed = async (client: ReturnType<(typeof sdks)[number][1]>) => {
  const chunks = []
  for await (const chunk of await client.models.generateContentStream(params)) chunks.push(chunk)
  return chunks
}

describe.each(sdks)("Google's SDK %s", (_, connect, Failure) => {
  test('reads a whole answer', async () => {
    const client = connect(await serve('application/json', JSON.stringify(encodeResponse(answer, options))))
    const read = await client.models.generateContent(params)
    expect(read).toMatchObject(expected)
    expect(read.functionCalls).toEqual(calls)
    expect(read.responseId).toMatch(/^[A-Za-z0-9]{22}$/)
  })

  test('reads a stream: every chunk is one of its own shape, together they are the answer', async () => {
    const chunks = await streamed(connect(await serve('text/event-stream', encoded(answer))))
    const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? [])
    const [thought, words, ...made] = expected.candidates[0]!.content.parts
    expect(parts).toEqual([
      { ...thought, text: 'Let me think… ' },
      { ...thought, text: 'ü' },
      { ...words, text: 'Zürich — 東京 ' },
      { text: '🙂' },
      ...made,
    ])
    expect(chunks.flatMap((chunk) => chunk.functionCalls ?? [])).toEqual(calls)
    expect(new Set(chunks.map((chunk) => chunk.responseId)).size).toBe(1)
    const { content: _content, ...end } = expected.candidates[0]!
    expect(chunks.at(-1)).toMatchObject({ candidates: [end], usageMetadata: expected.usageMetadata })
    for (const chunk of chunks) expect(chunk.modelVersion).toBe('shadow')
  })

  test('keeps calls and their signatures in the history of a chat', async () => {
    const [thought, , ...made] = answer.choices[0]!.blocks
    const given = { ...answer, choices: [{ ...answer.choices[0]!, blocks: [thought!, ...made] }] }
    const chat = connect(await serve('text/event-stream', encoded(given))).chats.create({ model: 'shadow' })
    for await (const chunk of await chat.sendMessageStream({ message: 'hi' })) expect(chunk.candidates).toHaveLength(1)
    const sent = chat.getHistory().flatMap(({ role, parts }) => (role === 'model' ? (parts ?? []) : []))
    expect(sent.find((part) => part.functionCall)).toEqual({ functionCall: calls[0], thoughtSignature: 'U0VBTEVE' })
  })

  test.each([
    ['nothing at all', [], 'stop', FinishReason.STOP],
    ['nothing but a call', answer.choices[0]!.blocks.slice(3), 'tool-calls', FinishReason.STOP],
    ['an answer that was cut short', [{ kind: 'text', text: 'x' }], 'length', FinishReason.MAX_TOKENS],
    ['an answer that was blocked', [], 'content-filter', FinishReason.SAFETY],
    ['a refusal', [{ kind: 'refusal', text: 'no' }], 'refusal', FinishReason.SAFETY],
  ] as const)('reads %s, whole and as a stream', async (__, blocks, reason, finish) => {
    const given = { ...answer, choices: [{ blocks: [...blocks], finish: { reason, raw: null } }] }
    const whole = connect(await serve('application/json', JSON.stringify(encodeResponse(given, options))))
    expect((await whole.models.generateContent(params)).candidates?.[0]?.finishReason).toBe(finish)
    const chunks = await streamed(connect(await serve('text/event-stream', encoded(given))))
    expect(chunks.at(-1)?.candidates?.[0]?.finishReason).toBe(finish)
    expect(chunks.filter((chunk) => chunk.candidates?.[0]?.finishReason)).toHaveLength(1)
  })

  test('takes our error in the middle for one, and a broken connection too', async () => {
    const half = encoded(answer).split('\r\n\r\n')[0]!
    const bytes = `${half}\r\n\r\n${renderStreamError(new GatewayError('upstream_disconnected'), 'req_1')}`
    await expect(streamed(connect(await serve('text/event-stream', bytes)))).rejects.toThrow(Failure)
    await expect(streamed(connect(await serve('text/event-stream', bytes, { cut: true })))).rejects.toThrow()
  })
})
