import { describe, expect, test } from 'vitest'
import { anthropicMessages } from './anthropic-messages/index.ts'
import { fold, unfold } from './fold.ts'
import { gemini } from './gemini/index.ts'
import type { Block, JsonObject, NeutralResponse } from './neutral/index.ts'
import { openaiChat } from './openai-chat/index.ts'
import { openaiResponses } from './openai-responses/index.ts'
import type { Protocol } from './protocol.ts'
import { parseFrame, SseSplitter } from './sse.ts'

const made = (mimeType: string): Block => ({
  kind: 'opaque',
  part: { type: 'opaque', protocol: 'gemini', value: { inlineData: { mimeType, data: 'AAAA' } } },
})
const text: Block = { kind: 'text', text: 'Here:' }
const answer = (...blocks: Block[]): NeutralResponse => ({
  id: 'a',
  model: 'real',
  choices: [{ blocks, finish: { reason: 'stop', raw: 'STOP' } }],
})
const options = { model: 'shadow', includeUsage: false, created: 1, estimatedInputTokens: 1 }
const whole = (client: Protocol, given: NeutralResponse): JsonObject => client.encodeResponse(given, options)
const streamed = (client: Protocol, given: NeutralResponse) => {
  const encoder = client.createEncoder(options)
  const bytes = unfold(given)
    .map((event) => encoder.push(event))
    .join('')
  return { bytes, failure: encoder.failure }
}
const blocksOf = (client: Protocol, bytes: string): readonly Block[] => {
  const decoder = client.createDecoder()
  const events = new SseSplitter().push(Buffer.from(bytes)).flatMap((frame) => decoder.push(parseFrame(frame)))
  const told = fold([...events, ...decoder.finish()])
  return 'class' in told ? [] : told.choices[0]!.blocks
}

describe('a picture that a model made', () => {
  test('is an image of the message for Chat clients', () => {
    const url = 'data:image/png;base64,AAAA'
    const image = { index: 0, type: 'image_url', image_url: { url } }
    expect(whole(openaiChat, answer(text, made('image/png')))['choices']).toMatchObject([
      { message: { content: 'Here:', images: [image] } },
    ])
    const { bytes, failure } = streamed(openaiChat, answer(made('image/png')))
    expect(failure).toBeUndefined()
    expect(bytes).toContain(`"delta":{"role":"assistant"`)
    expect(bytes).toContain(`"delta":${JSON.stringify({ images: [image] })}`)
  })

  test('is an item of its own for Responses clients, and comes back from there', () => {
    const item = { type: 'image_generation_call', status: 'completed', result: 'AAAA' }
    const told = whole(openaiResponses, answer(text, made('image/png')))
    expect(told['output']).toMatchObject([{ type: 'message' }, item])
    const { bytes } = streamed(openaiResponses, answer(text, made('image/png')))
    expect(blocksOf(openaiResponses, bytes)).toMatchObject([text, { kind: 'opaque', part: { value: item } }])
    const back = openaiResponses.decodeResponse(told)
    expect(whole(gemini, back)['candidates']).toMatchObject([
      { content: { parts: [{ text: 'Here:' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] } },
    ])
  })
})

describe.each([
  ['a picture', 'image/png', anthropicMessages],
  ['a recording', 'audio/wav', anthropicMessages],
  ['a recording', 'audio/wav', openaiChat],
] as const)('%s (%s) that has no place in the answer of the client', (_, mediaType, client) => {
  test('is named where something else is said, whole and as a stream', () => {
    const said = (blocks: readonly Block[]) => blocks.map((block) => ('text' in block ? block.text : '')).join('')
    const read = client.decodeResponse(whole(client, answer(text, made(mediaType)))).choices[0]!.blocks
    expect(said(read)).toMatch(/^Here:.*\[The model also made (?:image\/png|audio\/wav), .* left out\.\]$/s)
    const { bytes, failure } = streamed(client, answer(text, made(mediaType)))
    expect(failure).toBeUndefined()
    expect(said(blocksOf(client, bytes))).toBe(said(read))
  })

  test('is an error where it is all there is', () => {
    const only = answer(made(mediaType), { kind: 'thinking', text: '', signature: 's', signedBy: 'gemini' })
    expect(() => whole(client, only)).toThrow(`The model answered with ${mediaType}`)
    expect(streamed(client, only).failure).toContain(`The model answered with ${mediaType}`)
  })
})

test('a draft among the thoughts is none', () => {
  const value = { inlineData: { mimeType: 'image/png', data: 'AAAA' }, thought: true }
  const draft: Block = { kind: 'opaque', part: { type: 'opaque', protocol: 'gemini', value } }
  expect(JSON.stringify(whole(openaiChat, answer(draft, text)))).not.toContain('AAAA')
})
