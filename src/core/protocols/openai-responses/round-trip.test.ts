import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, JsonValue, NeutralMessage, NeutralRequest, Part } from '../neutral/index.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'
import { inspect } from './inspect.ts'

const words = fc.string({ minLength: 1, unit: 'grapheme' })
const name = fc.stringMatching(/^[a-z]{1,8}$/)
const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>
const object = fc.dictionary(name, json, { maxKeys: 3 }) as fc.Arbitrary<JsonObject>
const maybe = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((made) => (made === undefined ? {} : { [key]: made }))
const merged = (...parts: fc.Arbitrary<object>[]) =>
  fc.tuple(...parts).map((made): object => made.reduce((all, one) => ({ ...all, ...one }), {}))

const text = words.map((said): Part => ({ type: 'text', text: said }))
const input: fc.Arbitrary<Part> = fc.oneof(
  text,
  fc.constantFrom<Part>(
    { type: 'image', source: { from: 'url', url: 'https://example.org/a.png' }, detail: 'high' },
    { type: 'image', source: { from: 'file', id: 'file-1', protocol: 'openai-responses' }, detail: 'auto' },
    { type: 'document', source: { from: 'base64', mediaType: 'application/pdf', data: 'AAAA' }, title: 'a.pdf' },
    { type: 'document', source: { from: 'url', url: 'https://example.org/a.pdf' } },
    { type: 'text', text: 'marked', cache: { ttl: '12h' } },
    { type: 'opaque', protocol: 'openai-responses', value: { type: 'input_video', url: 'x' } },
  ),
)
const thinking = merged(
  fc.record({ text: fc.string(), signature: words, id: name.map((id) => `rs_${id}`) }),
  fc.constant({ type: 'thinking', signedBy: 'openai-responses' }),
) as fc.Arbitrary<Part>
const hosted = fc.constant<Part>({
  type: 'opaque',
  protocol: 'openai-responses',
  value: { type: 'web_search_call', id: 'ws_1', status: 'completed' },
})

/** A turn of the model, and the results of its calls in front of what the user says next. */
const turns = fc
  .array(
    fc.record({
      before: fc.array(fc.oneof(thinking, hosted), { maxLength: 2 }),
      said: fc.option(
        fc.oneof(
          text,
          words.map((refused): Part => ({ type: 'refusal', text: refused })),
        ),
      ),
      calls: fc.array(fc.record({ name, arguments: fc.string(), custom: fc.boolean(), result: fc.string() }), {
        maxLength: 3,
      }),
      next: fc.array(input, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 4 },
  )
  .map((made) =>
    made.flatMap(({ before, said, calls, next }, turn): NeutralMessage[] => {
      const idOf = (index: number): string => `call_${turn}_${index}`
      const called = calls.map(({ name: tool, arguments: text_, custom }, index): Part => ({
        type: 'tool-call',
        id: idOf(index),
        name: tool,
        arguments: text_,
        ...(custom && { custom }),
      }))
      const parts = [...before, ...(said ? [said] : []), ...called]
      const results = calls.map(({ result }, index): Part => ({
        type: 'tool-result',
        callId: idOf(index),
        content: [{ type: 'text', text: result }],
      }))
      return [
        ...(parts.length > 0 ? [{ role: 'assistant' as const, parts }] : []),
        ...(results.length > 0 ? [{ role: 'user' as const, parts: results }] : []),
        { role: 'user', parts: next },
        { role: 'system', parts: [{ type: 'text', text: 'between' }] },
      ]
    }),
  )

const tools = fc.uniqueArray(
  fc.oneof(
    merged(
      fc.record({ name, schema: object, strict: fc.boolean() }),
      maybe('description', fc.string()),
      fc.constant({ type: 'function' }),
    ),
    merged(
      fc.record({ name }),
      maybe('grammar', fc.record({ syntax: fc.constantFrom('lark', 'regex'), definition: fc.string() })),
      fc.constant({ type: 'custom' }),
    ),
    fc.constant({
      type: 'web-search',
      contextSize: 'low',
      original: { protocol: 'openai-responses', value: { type: 'web_search', search_context_size: 'low' } },
    }),
    fc.constant({ type: 'opaque', protocol: 'openai-responses', value: { type: 'shell' } }),
  ),
  { selector: (tool) => ('name' in tool ? tool.name : tool), maxLength: 4 },
) as fc.Arbitrary<NeutralRequest['tools']>

const request = fc
  .tuple(
    turns,
    tools,
    fc.option(words),
    merged(
      maybe('maxTokens', fc.integer({ min: 16, max: 99_999 })),
      maybe('temperature', fc.double({ min: 0, max: 2, noNaN: true })),
      maybe('topP', fc.double({ min: 0, max: 1, noNaN: true })),
      maybe('verbosity', fc.constantFrom('low', 'medium', 'high')),
      maybe(
        'reasoning',
        fc.record({ effort: fc.constantFrom('none', 'low', 'max'), display: fc.constant('summarized') }),
      ),
      maybe(
        'format',
        fc.oneof(fc.constant({ type: 'json' }), fc.record({ type: fc.constant('schema'), schema: object, name })),
      ),
      maybe('user', words),
      maybe('metadata', object),
      maybe('serviceTier', fc.constantFrom('auto', 'flex')),
      maybe('extensions', fc.constant({ 'openai-responses': { prompt_cache_key: 'k', 'reasoning.context': 'auto' } })),
    ),
    fc.boolean(),
  )
  .map(([messages, defined, instructions, fields, stream]) => ({
    protocol: 'openai-responses' as const,
    model: 'm',
    stream,
    includeUsage: true,
    system: instructions === null ? [] : [{ type: 'text' as const, text: instructions, path: 'instructions' }],
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'hi' }] }, ...messages],
    tools: defined,
    ...(defined.length > 0 && { toolChoice: { mode: 'auto' as const }, parallelToolCalls: false }),
    ...fields,
  }))

const withoutPaths = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'path' ? undefined : inner)))

test('what is encoded is decoded to the same again', () => {
  fc.assert(
    fc.property(request, (given) => {
      const { body, warnings } = encodeRequest(given, { model: 'm', defaultMaxTokens: 1 })
      expect(warnings).toEqual([])
      expect(withoutPaths(decodeRequest(body))).toEqual(withoutPaths(given))
    }),
    { numRuns: 300 },
  )
})

const hostile = fc.oneof(json, fc.constantFrom<JsonValue>(null, '', -1, [], {}, [null], [[]], [{}], { type: 'x' }))
const keys = ['type', 'role', 'content', 'id', 'call_id', 'name', 'namespace', 'tools', 'output', 'summary', 'text']
const types = ['message', 'reasoning', 'function_call', 'function_call_output', 'custom_tool_call', 'additional_tools']
const item = fc.dictionary(
  fc.constantFrom(...keys),
  fc.oneof(hostile, fc.constantFrom(...types, 'user', 'assistant', 'namespace', 'function', 'input_text')),
)

test('a body that is wrong in any way is refused with the place of what is wrong, and nothing else happens', () => {
  const top = ['instructions', 'tools', 'tool_choice', 'reasoning', 'text', 'include', 'user', 'stream', 'temperature']
  const body = fc
    .tuple(fc.array(fc.oneof(item, hostile)), fc.dictionary(fc.constantFrom(...top), fc.oneof(hostile, fc.array(item))))
    .map(([items, fields]) => ({ model: 'm', input: items, ...fields }))
  fc.assert(
    fc.property(body, (given) => {
      for (const read of [() => inspect(Buffer.from(JSON.stringify(given))), () => decodeRequest(given)]) {
        try {
          read()
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
          expect(error.status).toBe(400)
          expect(error.details.param).toBeDefined()
        }
      }
    }),
    { numRuns: 1000 },
  )
})
