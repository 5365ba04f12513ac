import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { placeOf, readClientRequests, readRecordings, recordingsPresent } from '../../../../test/support/recordings.ts'
import { GatewayError } from '../../kernel/errors.ts'
import { anthropicMessages } from '../anthropic-messages/index.ts'
import type { JsonObject, JsonValue, NeutralRequest } from '../neutral/index.ts'
import { openaiChat } from '../openai-chat/index.ts'
import { isObject } from '../read.ts'
import { camelCased } from './camel-case.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'
import { inspect } from './inspect.ts'
import { toJsonSchema } from './schema-dialect.ts'

interface Asked {
  readonly id: string
  readonly path: string
  readonly json: JsonObject
  /** Of the answer that the provider gave. */
  readonly status: number
}

const asked = (): Asked[] => [
  ...readRecordings('gemini').flatMap(({ id, request, response }) =>
    request?.json ? [{ id, path: request.path ?? '', json: request.json, status: response.status }] : [],
  ),
  ...readClientRequests('gemini').map(({ id, request }) => ({
    id,
    path: request.path,
    json: request.json!,
    status: 200,
  })),
]
const accepted = () => asked().filter(({ status }) => status === 200)

const decode = ({ path, json }: Asked): NeutralRequest => {
  const place = placeOf(path)
  expect(inspect(Buffer.from(JSON.stringify(json)), place).model).toBe(place.model)
  return decodeRequest(json, place)
}

/** A request without what means nothing: spellings, defaults said aloud, which of two dialects a schema is written in. */
const meaning = (body: JsonObject): JsonValue => {
  const { systemInstruction, generationConfig, tools, ...rest } = camelCased(body)
  const { responseModalities: _, responseSchema, ...config } = isObject(generationConfig) ? generationConfig : {}
  if (isObject(responseSchema)) config['responseJsonSchema'] = toJsonSchema(responseSchema, { closed: true })
  const declared = (tool: JsonObject) => {
    const { parameters, ...more } = tool
    return isObject(parameters) ? { ...more, parametersJsonSchema: toJsonSchema(parameters) } : more
  }
  const whole = {
    ...rest,
    ...(isObject(systemInstruction) && { systemInstruction: { parts: systemInstruction['parts']! } }),
    ...(Object.keys(config).length > 0 && { generationConfig: config }),
    ...(Array.isArray(tools) && {
      tools: tools
        .filter(isObject)
        .map((entry) =>
          Array.isArray(entry['functionDeclarations'])
            ? { ...entry, functionDeclarations: entry['functionDeclarations'].filter(isObject).map(declared) }
            : entry,
        ),
    }),
  }
  const text = JSON.stringify(whole, (key, value: JsonValue) => {
    if (typeof value !== 'string') return value
    if (key === 'thinkingLevel' || key === 'mode') return value.toUpperCase()
    if (key === 'data') return Buffer.from(value, 'base64').toString('base64')
    return value
  })
  return JSON.parse(text) as JsonValue
}

/** Log probabilities of an answer have no place in the neutral form. */
const passable = ({ json }: Asked): boolean => !JSON.stringify(json).includes('"responseLogprobs":true')

const refusals = (requests: readonly NeutralRequest[], encode: (request: NeutralRequest) => unknown) => {
  const reasons: Record<string, number> = {}
  for (const request of requests) {
    let reason = 'crossed'
    try {
      encode(request)
    } catch (error) {
      if (!(error instanceof GatewayError) || error.details.param === undefined) throw error
      reason = error.details.param.replaceAll(/\d+/g, 'N')
    }
    reasons[reason] = (reasons[reason] ?? 0) + 1
  }
  return reasons
}

/** Schemas go back under one name, whatever the client wrote them in. */
const placeless = ({ format, ...request }: NeutralRequest) => ({ ...request, format: { ...format, path: undefined } })

const options = { model: 'gemini-3-flash-preview', defaultMaxTokens: 8192 }

describe.skipIf(!recordingsPresent)('recorded requests', () => {
  test('what Google accepted is read, what it refused for its form is refused', () => {
    const refused = asked().filter((request) => {
      try {
        decode(request)
        return false
      } catch {
        return true
      }
    })
    expect(refused.map(({ id, status }) => [id.replace(/^.*--/, ''), status])).toEqual([
      ['test-generate-content-invalid-role-0', 400],
      ['test-generate-content-invalid-temperature-0', 400],
    ])
  })

  test.each(accepted().filter(passable))('$id comes back as it was', (request) => {
    const neutral = decode(request)
    const { body, warnings } = encodeRequest(neutral, { ...options, model: placeOf(request.path).model! })
    expect(meaning(body)).toEqual(meaning(request.json))
    expect(warnings).toEqual([])
    expect(placeless(decodeRequest(body, placeOf(request.path)))).toEqual(placeless(neutral))
  })

  test("gemini-cli's requests reach every other protocol", () => {
    const requests = readClientRequests('gemini').filter(({ client }) => client.startsWith('@google/gemini-cli'))
    expect(requests.length).toBeGreaterThan(0)
    for (const { id, request } of requests) {
      const neutral = decode({ id, path: request.path, json: request.json!, status: 200 })
      for (const protocol of [openaiChat, anthropicMessages])
        expect(protocol.encodeRequest(neutral, { model: 'x', defaultMaxTokens: 8192 }).body).toBeDefined()
    }
  })

  test('what cannot reach another protocol is refused with its path', () => {
    const requests = accepted().map(decode)
    const shared = {
      'contents[N].parts[N]': 4,
      'tools[N].codeExecution': 3,
      'tools[N].fileSearch': 3,
      'tools[N].urlContext': 2,
      'generationConfig.responseLogprobs': 3,
    }
    expect(
      refusals(requests, (request) => openaiChat.encodeRequest(request, { model: 'x', defaultMaxTokens: 8192 })),
    ).toMatchObject({ ...shared, 'tools[N].googleSearch': 6 })
    expect(
      refusals(requests, (request) => anthropicMessages.encodeRequest(request, { model: 'x', defaultMaxTokens: 8192 })),
    ).toMatchObject({
      ...shared,
      'generationConfig.responseMimeType': 1,
      'generationConfig.stopSequences[N]': 1,
    })
  })

  test.each([openaiChat, anthropicMessages])(
    'requests of $id reach Gemini or are refused with their path',
    (client) => {
      const bodies = [
        ...readRecordings(client.id).map(({ request }) => request?.json),
        ...readClientRequests(client.id).map(({ request }) => request.json),
      ]
      const requests = bodies.flatMap((body) => {
        try {
          return body ? [client.decodeRequest(body)] : []
        } catch {
          return []
        }
      })
      const reasons = refusals(requests, (request) => encodeRequest(request, options))
      expect(reasons['crossed']).toBeGreaterThan(requests.length * 0.6)
      expect(Object.keys(reasons).filter((reason) => reason === 'undefined')).toEqual([])
    },
  )
})

const name = fc.stringMatching(/^[a-z]{1,3}$/)
const text = fc.string({ minLength: 1, maxLength: 8 })
const signature = fc.option(fc.constantFrom('UzE=', 'UzI='), { nil: undefined })
const signed = (part: JsonObject, own: string | undefined): JsonObject =>
  own === undefined ? part : { ...part, thoughtSignature: own }
const spoken = fc.oneof(
  text.map((value): JsonObject => ({ text: value })),
  fc.constantFrom<JsonObject>(
    { inlineData: { mimeType: 'image/png', data: 'aGk=' } },
    { inlineData: { mimeType: 'application/pdf', data: 'aGk=', displayName: 'a.pdf' } },
    { fileData: { fileUri: 'gs://a' }, videoMetadata: { fps: 1 } },
  ),
)
const turn = fc
  .record({
    user: fc.array(spoken, { minLength: 1, maxLength: 3 }),
    model: fc.array(
      fc.oneof(
        fc.tuple(text, signature).map(([value, own]) => signed({ text: value }, own)),
        fc.tuple(text, signature).map(([value, own]) => signed({ text: value, thought: true }, own)),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    calls: fc.array(fc.tuple(name, fc.boolean(), signature), { maxLength: 3 }),
    response: fc.constantFrom<JsonObject>({ output: 'x' }, { error: 'y' }, { a: [1] }, {}),
  })
  .map(({ user, model, calls, response }): JsonObject[] => [
    { role: 'user', parts: user },
    {
      role: 'model',
      parts: [
        ...model,
        ...calls.map(([called, hasId, own], index) =>
          signed({ functionCall: { ...(hasId && { id: `${called}${index}` }), name: called, args: { index } } }, own),
        ),
      ],
    },
    ...(calls.length === 0
      ? []
      : [
          {
            role: 'user',
            parts: calls.map(([called, hasId], index) => ({
              functionResponse: { ...(hasId && { id: `${called}${index}` }), name: called, response },
            })),
          },
        ]),
  ])

test('a request keeps its meaning through the neutral form', () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 3 }), text, (turns, system) => {
      const body = {
        contents: [...turns.flat(), { role: 'user', parts: [{ text: 'and?' }] }],
        systemInstruction: { parts: [{ text: system }] },
      }
      const neutral = decodeRequest(body, { model: 'm' })
      const encoded = encodeRequest(neutral, { model: 'gemini-2.5-flash', defaultMaxTokens: 1 }).body
      expect(encoded).toEqual(body)
      expect(decodeRequest(encoded, { model: 'm' })).toEqual(neutral)
    }),
  )
})

test('whatever a client sends is read or refused, and what is read is written or refused', () => {
  const field = fc.constantFrom('contents', 'parts', 'text', 'functionCall', 'functionResponse', 'name', 'args', 'id')
  const more = fc.constantFrom(
    'tools',
    'functionDeclarations',
    'generationConfig',
    'thinkingConfig',
    'role',
    '__proto__',
  )
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<JsonValue>(null, true, 0, -1, 1.5, '', 'user', 'model', 'f', 'image/png'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.oneof(field, more, fc.constantFrom('inlineData', 'mimeType', 'data', 'response', 'mode')),
        tie('value'),
        {
          maxKeys: 4,
        },
      ),
    ),
  }))
  fc.assert(
    fc.property(value, fc.dictionary(fc.oneof(field, more), value), (contents, fields) => {
      try {
        encodeRequest(decodeRequest({ ...fields, contents }, { model: 'm' }), options)
      } catch (error) {
        expect(error).toBeInstanceOf(GatewayError)
      }
    }),
    { numRuns: 2000 },
  )
})
