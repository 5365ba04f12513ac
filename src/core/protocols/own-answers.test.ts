import { describe, expect, test } from 'vitest'
import { protocols, providerProtocols } from './index.ts'
import type { JsonObject, JsonValue, NeutralResponse, ProtocolId } from './neutral/index.ts'
import { emptyUsage } from './neutral/index.ts'
import { isObject } from './read.ts'

const answer: NeutralResponse = {
  id: 'a',
  model: 'm',
  usage: emptyUsage,
  choices: [
    {
      finish: { reason: 'stop', raw: null },
      blocks: [
        { kind: 'thinking', text: 'Hm.' },
        { kind: 'text', text: 'Hello' },
      ],
    },
  ],
}

const first = (value: JsonValue | undefined): JsonObject => {
  const [item] = Array.isArray(value) ? value : []
  return isObject(item) ? item : {}
}

/** The next request of a client that sends back, whole, what it was told. */
const nextOf: Readonly<Record<Exclude<ProtocolId, 'bedrock-converse'>, (told: JsonObject) => JsonObject>> = {
  'openai-chat': (told) => ({
    model: 'm',
    messages: [{ role: 'user', content: 'q' }, first(told['choices'])['message']!, { role: 'user', content: 'more' }],
  }),
  'openai-responses': (told) => ({
    model: 'm',
    input: [
      { role: 'user', content: 'q' },
      ...(Array.isArray(told['output']) ? told['output'] : []),
      { role: 'user', content: 'more' },
    ],
  }),
  'anthropic-messages': (told) => ({
    model: 'm',
    max_tokens: 100,
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: told['content']! },
      { role: 'user', content: 'more' },
    ],
  }),
  gemini: (told) => ({
    contents: [
      { role: 'user', parts: [{ text: 'q' }] },
      first(told['candidates'])['content']!,
      { role: 'user', parts: [{ text: 'more' }] },
    ],
    generationConfig: { maxOutputTokens: 100 },
  }),
}

describe('an answer of ours, sent back whole, loses nothing that would be named', () => {
  for (const client of protocols) {
    if (client.id === 'bedrock-converse') continue
    const next = nextOf[client.id]
    test.each(providerProtocols.map((provider) => [provider.id, provider] as const))(
      `${client.id} client, %s provider`,
      (_, provider) => {
        const told = client.encodeResponse(answer, {
          model: 'm',
          includeUsage: true,
          created: 1,
          estimatedInputTokens: 1,
        })
        const request = client.decodeRequest(next(told), { model: 'm', stream: false })
        const { body, warnings } = provider.encodeRequest(request, {
          model: 'm',
          maxTokens: 100,
          defaultMaxTokens: 100,
        })
        expect(JSON.stringify(body)).toContain('Hello')
        expect(warnings).toEqual([])
      },
    )
  }
})

describe('what is left out is named as the client named it, once', () => {
  const warningsOf = (from: ProtocolId, to: ProtocolId, body: JsonObject): string[] => {
    const client = protocols.find(({ id }) => id === from)!
    const provider = providerProtocols.find(({ id }) => id === to)!
    const request = client.decodeRequest(body, { model: 'm', stream: false })
    return provider
      .encodeRequest(request, { model: 'm', maxTokens: 100, defaultMaxTokens: 100 })
      .warnings.map(({ path }) => path)
  }
  const failed = { functionResponse: { name: 'f', response: { error: 'no' } } }
  const png = { mimeType: 'image/png', data: 'iVBORw0KGgo=' }

  test('the tier, the failed call and the resolution of a Gemini client', () => {
    const contents = [
      { role: 'user', parts: [{ inlineData: png, mediaResolution: { level: 'MEDIA_RESOLUTION_LOW' } }] },
      { role: 'model', parts: [{ functionCall: { name: 'f' } }] },
      { role: 'user', parts: [failed] },
    ]
    expect(warningsOf('gemini', 'openai-chat', { contents })).toEqual([
      'contents[2].parts[0].functionResponse.response.error',
    ])
    expect(warningsOf('gemini', 'anthropic-messages', { contents, serviceTier: 'flex' })).toEqual([
      'contents[0].parts[0].mediaResolution',
      'serviceTier',
    ])
  })

  test('the name of a file of a Chat client', () => {
    const file = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } }
    const messages = [{ role: 'user', content: [file, { type: 'text', text: 'q' }] }]
    expect(warningsOf('openai-chat', 'gemini', { model: 'm', messages })).toEqual([
      'messages[0].content[0].file.filename',
    ])
  })

  test('a search result, which is sent as its text', () => {
    const found = {
      type: 'search_result',
      source: 'https://x.y',
      title: 'T',
      content: [{ type: 'text', text: 'found' }],
    }
    const body = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: [found] }] }
    for (const to of ['openai-chat', 'openai-responses', 'gemini'] as const)
      expect(warningsOf('anthropic-messages', to, body)).toEqual(['messages[0].content[0]'])
  })

  test('a choice without tools', () => {
    const body = {
      contents: [{ parts: [{ text: 'q' }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY' } },
    }
    for (const { id } of providerProtocols.filter((provider) => provider.id !== 'gemini'))
      expect(() => warningsOf('gemini', id, body)).toThrow(
        expect.objectContaining({ details: { param: 'toolConfig.functionCallingConfig' } }),
      )
  })
})
