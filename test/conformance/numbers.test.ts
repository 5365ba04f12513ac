import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/core/kernel/errors.ts'
import { unfold } from '../../src/core/protocols/fold.ts'
import { protocolById, protocols } from '../../src/core/protocols/index.ts'
import type { JsonObject, NeutralRequest, NeutralResponse } from '../../src/core/protocols/neutral/index.ts'
import { parseJson } from '../../src/core/protocols/parse-json.ts'
import { asks, nextTurn } from './support/asked.ts'
import { pairs } from './support/pairs.ts'
import { carry, crossingRoad } from './support/roads.ts'

/** Numbers that JSON allows and JavaScript cannot hold, in everything that tools are told and tell. */
const numbers = ['12345678901234567890', '-9007199254740993', '1e400', '3.14159265358979323846']
const list = `[${numbers.join(',')}]`
const args = `{"n":{"deep":${list}},"id":${numbers[0]}}`
const schema = parseJson(
  `{"type":"object","properties":{"n":{"type":"number","enum":${list}},"id":{"type":"integer","maximum":${numbers[0]}}}}`,
) as JsonObject

const answer: NeutralResponse = {
  id: 'a',
  model: 'real',
  usage: undefined,
  choices: [
    {
      blocks: [{ kind: 'tool-call', id: 'call_1', name: 'f', arguments: args }],
      finish: { reason: 'tool-calls', raw: null },
    },
  ],
} as unknown as NeutralResponse

/** Digits as they stand in the bytes, in texts of JSON too. */
const missing = (bytes: Buffer | string): readonly string[] => {
  const text = String(bytes)
  return numbers.filter((number) => !new RegExp(`(?<![\\w.])${number.replaceAll('.', '\\.')}(?![\\w.])`).test(text))
}

const request = (client: NeutralRequest['protocol']): NeutralRequest => ({
  protocol: client,
  model: 'shadow',
  stream: false,
  includeUsage: true,
  system: [],
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Go on.' }] }, ...nextTurn(answer)],
  tools: [{ type: 'function', name: 'f', schema, strict: false }],
  maxTokens: 5000,
})

describe.each(pairs)('$name', ({ client, provider }) => {
  const place = { model: 'shadow', stream: false }

  test('numbers in arguments and schemas of a request keep their text', () => {
    const { body } = client.encodeRequest(request(client.id), { model: 'shadow', defaultMaxTokens: 5000 })
    const sent = String(crossingRoad(client, { body, place }, { provider }).request(undefined))
    expect(missing(sent)).toEqual([])
    // Twice in the schema, twice in the arguments.
    expect(sent.split(numbers[0]!).length - 1).toBe(4)
    expect(sent).not.toContain('rawJSON')
  })

  test.runIf(protocols.some(({ id }) => id === provider.id))(
    'numbers in the arguments of an answer keep theirs',
    () => {
      const theirs = protocolById(provider.id)
      const whole = asks(client, answer, false)!
      const options = { model: 'real', includeUsage: true, created: 1, estimatedInputTokens: 1 }
      const question = request(provider.id)
      const told = theirs.encodeResponse(answer, { ...options, request: question, asked: {} })
      const { body } = crossingRoad(client, whole, { provider }).unary(Buffer.from(JSON.stringify(told)))
      expect(missing(body)).toEqual([])

      const encoder = theirs.createEncoder({ ...options, request: question, asked: {} })
      const stream = unfold(answer)
        .map((event) => encoder.push(event))
        .join('')
      const way = crossingRoad(client, asks(client, answer, true)!, { provider }).stream()
      const carried = carry(client, way, [Buffer.from(stream)])
      expect(carried.failed).toBe(false)
      expect(missing(String(carried.bytes))).toEqual([])
    },
  )
})

test('numbers in the arguments of an answer of Bedrock keep theirs', () => {
  const chat = protocolById('openai-chat')
  const asked = asks(chat, answer, false)!
  const { provider } = pairs.find(({ provider: { id } }) => id === 'bedrock-converse')!
  const told = `{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"c","name":"f","input":${args}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}`
  const { body } = crossingRoad(chat, asked, { provider }).unary(Buffer.from(told))
  expect(missing(body)).toEqual([])
})

const limits = {
  'openai-chat': ['max_tokens', 'n', 'temperature', 'seed'],
  'openai-responses': ['max_output_tokens', 'temperature', 'top_p'],
  'anthropic-messages': ['max_tokens', 'temperature', 'top_k'],
  gemini: ['maxOutputTokens', 'temperature', 'topK', 'seed'],
} as const

describe.each(protocols)('a client of $id', (client) => {
  const bodyWith = (field: string, value: string): JsonObject => {
    const { body } = client.encodeRequest(request(client.id), { model: 'shadow', defaultMaxTokens: 5000 })
    const number = parseJson(value)
    if (client.id !== 'gemini') return { ...body, [field]: number }
    return { ...body, generationConfig: { ...(body['generationConfig'] as JsonObject), [field]: number } }
  }
  const place = { model: 'shadow', stream: false }
  const fields = Object.entries(limits).find(([id]) => id === client.id)![1]

  test.each(fields)('is refused where %s is such a number', (field) => {
    for (const number of ['1e400', '-1e400', '123456789012345678901234567890'])
      for (const { provider } of pairs)
        expect(() => crossingRoad(client, { body: bodyWith(field, number), place }, { provider }), number).toThrow(
          expect.objectContaining({ name: GatewayError.name, status: 400 }),
        )
  })

  test('may write a temperature with all the digits that its language prints', () => {
    for (const { provider } of pairs) {
      const asked = { body: bodyWith('temperature', '0.69999999999999996'), place }
      expect(String(crossingRoad(client, asked, { provider }).request(undefined))).toMatch(/"temperature":0\.7\b/)
    }
  })

  test('never makes the gateway stumble over one, wherever it stands', () => {
    const { body } = client.encodeRequest(request(client.id), { model: 'shadow', defaultMaxTokens: 5000 })
    for (const path of pathsOf(body))
      for (const { provider } of pairs.filter(({ client: { id } }) => id === client.id)) {
        const broken = withNumber(body, path)
        try {
          const sent = String(crossingRoad(client, { body: broken, place }, { provider }).request(undefined))
          expect(sent).not.toContain('rawJSON')
        } catch (error) {
          expect(error, path.join('.')).toBeInstanceOf(GatewayError)
          expect((error as GatewayError).status, path.join('.')).toBe(400)
        }
      }
  })
})

const pathsOf = (value: unknown): readonly (readonly string[])[] =>
  typeof value !== 'object' || value === null || JSON.isRawJSON(value)
    ? []
    : Object.entries(value).flatMap(([key, inner]) => [[key], ...pathsOf(inner).map((path) => [key, ...path])])

const withNumber = (body: JsonObject, path: readonly string[]): JsonObject => {
  const copy = parseJson(JSON.stringify(body)) as JsonObject
  let holder = copy
  for (const step of path.slice(0, -1)) holder = holder[step] as JsonObject
  holder[path.at(-1)!] = parseJson('1e400')
  return copy
}
