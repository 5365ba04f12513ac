import { describe, expect, test } from 'vitest'
import { protocols, providerProtocols } from '../index.ts'
import type { JsonObject, ProtocolId } from '../neutral/index.ts'

const gemini = protocols.find(({ id }) => id === 'gemini')!

/** What a Gemini client sends, as a provider gets it. */
const cross = (to: ProtocolId, body: JsonObject, model = 'model') => {
  const provider = providerProtocols.find(({ id }) => id === to)!
  const sent = provider.encodeRequest(gemini.decodeRequest(body, { model: 'm', stream: false }), {
    model,
    maxTokens: 20_000,
    defaultMaxTokens: 1000,
  })
  return { body: sent.body, paths: sent.warnings.map(({ path }) => path) }
}
const asking = (...parts: JsonObject[]): JsonObject => ({ contents: [{ role: 'user', parts }] })
const inline = (mimeType: string, data: string, more: JsonObject = {}): JsonObject => ({
  inlineData: { mimeType, data, ...more },
})
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const refused = (param: string) => expect.objectContaining({ details: { param } })
const foreign = ['openai-chat', 'openai-responses', 'anthropic-messages'] as const

describe('files', () => {
  test.each(['text/plain', 'text/csv; charset=utf-8', 'application/json', 'application/atom+xml'])(
    'of type %s arrive as the text they are',
    (type) => {
      for (const to of foreign) {
        const { body } = cross(to, asking(inline(type, base64('ä,b'), { displayName: 'list' })))
        expect(JSON.stringify(body)).toContain('ä,b')
        expect(JSON.stringify(body)).not.toContain('pdf')
      }
    },
  )

  test.each(['application/zip', 'application/octet-stream'])('of type %s are refused with their place', (type) => {
    for (const to of [...foreign, 'bedrock-converse' as const])
      expect(() => cross(to, asking(inline(type, 'UEsDBA==')))).toThrow(refused('contents[0].parts[0]'))
  })

  test('that are no UTF-8 are not sent as text', () => {
    expect(() => cross('openai-chat', asking(inline('text/plain', '//4=')))).toThrow(refused('contents[0].parts[0]'))
  })

  test('that are PDF stay PDF', () => {
    const { body } = cross('openai-chat', asking(inline('application/pdf', 'JVBERi0=', { displayName: 'a.pdf' })))
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } }],
      },
    ])
  })
})

describe('recordings', () => {
  test.each([
    ['audio/mpeg', 'mp3'],
    ['audio/mp3', 'mp3'],
    ['audio/wav', 'wav'],
    ['audio/x-wav', 'wav'],
    ['audio/wave', 'wav'],
  ])('%s is what OpenAI calls %s', (type, format) => {
    expect(cross('openai-chat', asking(inline(type, 'UklGRg=='))).body['messages']).toMatchObject([
      { content: [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format } }] },
    ])
  })

  test.each(['audio/flac', 'audio/ogg', 'audio/l16;rate=24000'])('%s is refused', (type) => {
    expect(() => cross('openai-chat', asking(inline(type, 'UklGRg==')))).toThrow(refused('contents[0].parts[0]'))
  })
})

describe('pictures', () => {
  test.each(['image/heic', 'image/svg+xml', 'image/tiff'])('%s is refused by name', (type) => {
    for (const to of foreign)
      expect(() => cross(to, asking(inline(type, 'AAAA')))).toThrow(refused('contents[0].parts[0]'))
  })

  test('image/jpg is a JPEG', () => {
    expect(JSON.stringify(cross('openai-chat', asking(inline('image/jpg', 'AAAA'))).body)).toContain('data:image/jpeg;')
  })

  test('a type that is none, or no data, is refused', () => {
    const at = 'contents[0].parts[0].inlineData'
    expect(() => cross('openai-chat', asking(inline('image/png;base64,AAAA,', 'AAAA')))).toThrow(
      refused(`${at}.mimeType`),
    )
    expect(() => cross('openai-chat', asking(inline('image/png', '')))).toThrow(refused(`${at}.data`))
  })

  test('a picture that the model made is refused where answers hold none', () => {
    const contents = [
      { role: 'user', parts: [{ text: 'draw' }] },
      { role: 'model', parts: [inline('image/png', 'AAAA')] },
      { role: 'user', parts: [{ text: 'again' }] },
    ]
    for (const to of [...foreign, 'bedrock-converse' as const])
      expect(() => cross(to, { contents })).toThrow(refused('contents[1].parts[0]'))
    expect(cross('gemini', { contents }).body['contents']).toEqual(contents)
  })
})

describe('what others have no place for is named', () => {
  test('names of pictures and recordings', () => {
    const parts = [inline('image/png', 'AAAA', { displayName: 'a.png' })]
    expect(cross('openai-chat', asking(...parts)).paths).toEqual(['contents[0].parts[0].inlineData.displayName'])
    expect(cross('gemini', asking(...parts)).body['contents']).toMatchObject([{ parts }])
  })

  test('a thought of the user', () => {
    const parts = [{ text: 'hm', thought: true }]
    expect(cross('openai-chat', asking(...parts)).paths).toEqual(['contents[0].parts[0].thought'])
    expect(cross('gemini', asking(...parts)).body['contents']).toMatchObject([{ parts }])
  })

  test('settings of safety, which must be a list of objects', () => {
    const safetySettings = [{ category: 'X', threshold: 'Y' }]
    expect(cross('openai-chat', { ...asking({ text: 'q' }), safetySettings }).paths).toEqual(['safetySettings'])
    expect(() => cross('openai-chat', { ...asking({ text: 'q' }), safetySettings: 'x' })).toThrow(
      refused('safetySettings'),
    )
  })
})

describe('schemas', () => {
  const properties = { a: { type: 'STRING' }, b: { type: 'STRING' } }

  test('arguments are an object, whatever is said of null', () => {
    const parameters = { type: 'OBJECT', nullable: true, properties: { a: { type: 'STRING', nullable: true } } }
    const tools = [{ functionDeclarations: [{ name: 'f', parameters }] }]
    expect(cross('openai-chat', { ...asking({ text: 'q' }), tools }).body['tools']).toMatchObject([
      { function: { parameters: { type: 'object', properties: { a: { type: ['string', 'null'] } } } } },
    ])
  })

  test('properties stand in the order that is asked for', () => {
    const parameters = { type: 'OBJECT', properties, propertyOrdering: ['b', 'a', 'gone'] }
    const tools = [{ functionDeclarations: [{ name: 'f', parameters }] }]
    expect(JSON.stringify(cross('openai-chat', { ...asking({ text: 'q' }), tools }).body['tools'])).toContain(
      '"properties":{"b":{"type":"string"},"a":{"type":"string"}}',
    )
  })

  test('without the type of JSON a schema is refused, not forgotten', () => {
    for (const to of foreign)
      expect(() =>
        cross(to, { ...asking({ text: 'q' }), generationConfig: { responseSchema: { type: 'OBJECT', properties } } }),
      ).toThrow(refused('generationConfig.responseMimeType'))
  })

  test('one that cannot be enforced is named where it stands', () => {
    const schema = { type: 'OBJECT', properties }
    for (const field of ['responseSchema', 'responseJsonSchema']) {
      const generationConfig = { responseMimeType: 'application/json', [field]: schema }
      expect(cross('openai-chat', { ...asking({ text: 'q' }), generationConfig }).paths).toEqual([
        `generationConfig.${field}`,
      ])
    }
  })
})

test('a free choice among some of the functions is one among those alone', () => {
  const body = {
    ...asking({ text: 'q' }),
    tools: [{ functionDeclarations: [{ name: 'f' }, { name: 'g' }] }],
    toolConfig: { functionCallingConfig: { mode: 'AUTO', allowedFunctionNames: ['g'] } },
  }
  expect(cross('anthropic-messages', body).body['tools']).toMatchObject([{ name: 'g' }])
  expect(cross('openai-chat', body).body['tool_choice']).toEqual({
    type: 'allowed_tools',
    allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'g' } }] },
  })
  expect(cross('gemini', body).body['toolConfig']).toEqual(body.toolConfig)
})
