import fc from 'fast-check'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import { placeOf, readClientRequests, readRecordings, recordingsPresent } from '../../../test/support/recordings.ts'
import { countable } from '../endpoints/counting/count-request.ts'
import { GatewayError } from '../kernel/errors.ts'
import { countTexts } from '../endpoints/counting/slices.ts'
import { protocolById, protocols } from '../protocols/index.ts'
import type { JsonObject, ProtocolId } from '../protocols/neutral/index.ts'
import { scanObject } from '../protocols/json-scan.ts'
import { PromptScale } from '../protocols/prompt-scale.ts'
import type { Place, Protocol } from '../protocols/protocol.ts'
import { promptEstimate } from './prompt-estimate.ts'

const place: Place = { model: 'm', stream: false }
const estimate = (client: ProtocolId, body: object | string, provider: ProtocolId = 'openai-chat'): number => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return promptEstimate(protocolById(client).inspect(bytes, place).prompt!, provider)
}
const chat = (content: unknown, more: object = {}) => ({ model: 'm', messages: [{ role: 'user', content }], ...more })
const messages = (content: unknown, more: object = {}) => ({ ...chat(content, more), max_tokens: 9 })
const responses = (content: unknown, more: object = {}) => ({ model: 'm', input: [{ role: 'user', content }], ...more })
const gemini = (...parts: object[]) => ({ contents: [{ role: 'user', parts }] })
const png = `iVBORw0KGgo${'A'.repeat(1_000_000)}`
const pdf = `JVBERi0xLjcK${'A'.repeat(399_988)}`

describe('the estimate of a prompt', () => {
  test('is the same for a prompt whichever protocol it comes in', () => {
    for (const [text, tokens] of [
      ['x', 7],
      ['word '.repeat(400), 506],
    ] as const) {
      expect([
        estimate('openai-chat', chat(text, { metadata: { note: 'n'.repeat(400) }, user: 'somebody', stream: false })),
        estimate('anthropic-messages', messages([{ type: 'text', text, cache_control: { type: 'ephemeral' } }])),
        estimate('openai-responses', { model: 'm', input: text, metadata: { note: 'n'.repeat(400) } }),
        estimate('openai-responses', responses([{ type: 'input_text', text }])),
        estimate('gemini', { ...gemini({ text }), generationConfig: { maxOutputTokens: 100, temperature: 1 } }),
      ]).toEqual(Array.from({ length: 5 }, () => tokens))
    }
  })

  test('takes an image for one of usual size by the rule of its provider, whatever its bytes', () => {
    const url = `data:image/png;base64,${png}`
    for (const [provider, tokens] of [
      ['openai-chat', 765],
      ['anthropic-messages', 1399],
      ['gemini', 1032],
    ] as const) {
      const each = [
        estimate('openai-chat', chat([{ type: 'image_url', image_url: { url } }]), provider),
        estimate('openai-chat', chat([{ type: 'image_url', image_url: { url: 'https://a.test/b.png' } }]), provider),
        estimate(
          'anthropic-messages',
          messages([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }]),
          provider,
        ),
        estimate('openai-responses', responses([{ type: 'input_image', image_url: url }]), provider),
        estimate('gemini', gemini({ inlineData: { mimeType: 'image/png', data: png } }), provider),
      ]
      expect(new Set(each)).toEqual(new Set([tokens + 6]))
    }
  })

  test('takes a document by its bytes, and a text for text', () => {
    const file = (data: string, media_type = 'application/pdf') =>
      messages([{ type: 'document', source: { type: 'base64', media_type, data } }])
    expect(estimate('anthropic-messages', file(pdf))).toBe(6 * 2000 + 6)
    expect(
      estimate('openai-chat', chat([{ type: 'file', file: { file_data: `data:application/pdf;base64,${pdf}` } }])),
    ).toBe(6 * 2000 + 6)
    const text = 'A list of words, '.repeat(100)
    expect(estimate('anthropic-messages', file(text, 'text/plain'))).toBe(425 + 6)
    expect(estimate('gemini', gemini({ inlineData: { data: Buffer.from(text).toString('base64') } }))).toBe(426 + 6)
  })

  test('does not read signatures, sealed reasoning and earlier thinking', () => {
    const sealed = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 256)).toString('base64')
    const plain = estimate('openai-responses', responses('x'))
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: sealed }] }
    const input = [
      { ...reasoning, encrypted_content: sealed },
      { role: 'user', content: 'x' },
    ]
    expect(estimate('openai-responses', { model: 'm', input })).toBe(plain)
    const thinking = { type: 'thinking', thinking: sealed, signature: sealed }
    const redacted = { type: 'redacted_thinking', data: sealed }
    expect(estimate('anthropic-messages', messages([thinking, redacted, { type: 'text', text: 'x' }]))).toBe(plain)
    const thought = { text: sealed, thought: true, thoughtSignature: sealed }
    expect(estimate('gemini', gemini(thought, { text: 'x', thoughtSignature: sealed }))).toBe(plain)
  })

  test('counts tools, their calls and what they gave', () => {
    const schema = { type: 'object', properties: { city: { type: 'string', description: 'Where to look.' } } }
    const tools = [{ type: 'function', function: { name: 'weather', parameters: schema } }]
    const more = estimate('openai-chat', chat('x', { tools })) - estimate('openai-chat', chat('x'))
    expect(more).toBeGreaterThan(30)
    expect(more).toBeLessThan(60)
    const used = [
      { type: 'tool_use', id: 'toolu_1', name: 'find', input: { text: 'a '.repeat(200), id: 'b'.repeat(40) } },
    ]
    expect(estimate('anthropic-messages', messages(used))).toBeGreaterThan(100 + 10)
  })

  test('is the same with escapes as without', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const plain = JSON.stringify(chat(text))
        const escaped = plain.replace(/[^ -~]/gu, (sign) =>
          [...sign.matchAll(/[^]/g)].map(([unit]) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
        )
        expect(estimate('openai-chat', escaped)).toBe(estimate('openai-chat', plain))
      }),
    )
  })

  test('is a whole number that is not negative, and at most what the bytes of texts can be, for any JSON', () => {
    const names = [
      'messages',
      'input',
      'contents',
      'system',
      'tools',
      'text',
      'data',
      'url',
      'args',
      'thought',
      'source',
    ]
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 5 }, fc.string(), fc.boolean(), fc.integer(), fc.array(tie('tree')), tie('object')),
      object: fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), tie('tree')),
    }))
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), tree), (body) => {
        const bytes = Buffer.from(JSON.stringify(body))
        const prompt = new PromptScale()
        scanObject(bytes, [], undefined, prompt)
        expect(prompt.text + prompt.definitions).toBeLessThanOrEqual(bytes.length)
        for (const part of Object.values(prompt)) expect(Number(part)).toBeGreaterThanOrEqual(0)
        expect(Number.isSafeInteger(promptEstimate(prompt, 'gemini'))).toBe(true)
      }),
    )
  })
})

describe.skipIf(!recordingsPresent)('recorded prompts', () => {
  const plain = { disallowedSpecial: new Set<string>() }
  const measure = (client: Protocol, text: string, where: Place) => {
    try {
      const { prompt } = client.inspect(Buffer.from(text), where)
      const { texts, tokens } = countable(client.decodeRequest(JSON.parse(text) as JsonObject, where), client.id)
      const counted = tokens + countTexts(texts, (slice) => countTokens(slice, plain))
      return { counted, estimated: promptEstimate(prompt!, client.id) }
    } catch (error) {
      if (error instanceof GatewayError) return undefined
      throw error
    }
  }
  /** Tools that a provider runs leave pages in the history that only it can read; of files the counter reads the size. */
  const apart =
    /ELIDED|"(?:server_tool_use|redacted_thinking|tool_search\w*|reasoning_text|executable_?code)"|_?file_?(?:id|uri|data)"|"(?:inline_?data|image)"/iu

  test.each(protocols.map(({ id }) => id))('%s: the estimate is near the count of the counting endpoints', (id) => {
    const client = protocolById(id)
    let near = 0
    let all = 0
    for (const { request } of [...readRecordings(id), ...readClientRequests(id)]) {
      const json = request?.json
      const text = JSON.stringify(json)
      if (!json || !request?.path || apart.test(text)) continue
      const measured = measure(client, text, placeOf(request.path))
      // What is refused is not counted.
      if (!measured) continue
      const { counted, estimated } = measured
      const difference = Math.abs(estimated - counted)
      all++
      if (difference <= Math.max(10, counted / 4)) near++
      // Texts of one repeated sentence are the densest.
      expect.soft(difference, text.slice(0, 200)).toBeLessThanOrEqual(Math.max(25, counted * 0.6))
    }
    expect(all).toBeGreaterThan(30)
    expect(near / all).toBeGreaterThan(0.9)
  })
})
