import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { protocols } from '../../src/core/protocols/index.ts'
import type {
  JsonObject,
  NeutralMessage,
  NeutralRequest,
  NeutralTool,
  Part,
  ToolChoice,
} from '../../src/core/protocols/neutral/index.ts'
import { pairs } from './support/pairs.ts'
import { crossingRoad } from './support/roads.ts'

/** What every protocol can say in a request, in any combination: `decode(encode(x))` is `x`. */
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.constantFrom('\u2028', '"}', '\\u0000', '<think>', '\u0000', '👩‍👩‍👧', 'e\u0301', '[DONE]', '{"a":1}'),
  )
  // White space alone is nothing to some, and is taken off the end of a last answer.
  .map((value) => `${value}.`)
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '0', '', 'a.b[0]', 'type', '$ref'))
const args = fc.dictionary(
  key,
  fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 2 })),
  { maxKeys: 3, noNullPrototype: true },
)
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,12}$/)
const picture: Part = { type: 'image', source: { from: 'base64', mediaType: 'image/png', data: 'iVBORw0KGgo=' } }

const tool = fc
  .record({ name, description: fc.option(text, { nil: undefined }), field: name })
  .map(({ name: called, description, field }): NeutralTool => ({
    type: 'function',
    name: called,
    strict: false,
    ...(description !== undefined && { description }),
    schema: { type: 'object', properties: { [field]: { type: 'string' } }, required: [field] },
  }))

/** A question, perhaps with a picture, and an answer, perhaps with calls that the next turn answers. */
const turn = fc.record({
  asked: text,
  seen: fc.boolean(),
  said: fc.option(text),
  calls: fc.array(fc.record({ name, args, result: text }), { maxLength: 3 }),
})

const messagesOf = (
  turns: readonly {
    asked: string
    seen: boolean
    said: string | null
    calls: readonly { name: string; args: object; result: string }[]
  }[],
): NeutralMessage[] => {
  const messages: NeutralMessage[] = []
  let results: Part[] = []
  for (const [at, { asked, seen, said, calls }] of turns.entries()) {
    messages.push({ role: 'user', parts: [...results, { type: 'text', text: asked }, ...(seen ? [picture] : [])] })
    const made = calls.map(({ name: called, args: given }, index): Part => ({
      type: 'tool-call',
      id: `call_${at}_${index}`,
      name: called,
      arguments: JSON.stringify(given),
    }))
    const words: Part[] = said === null && made.length > 0 ? [] : [{ type: 'text', text: said ?? 'ok' }]
    messages.push({ role: 'assistant', parts: [...words, ...made] })
    results = calls.map(({ result }, index): Part => ({
      type: 'tool-result',
      callId: `call_${at}_${index}`,
      content: [{ type: 'text', text: result }],
    }))
  }
  messages.push({ role: 'user', parts: [...results, { type: 'text', text: 'Go on.' }] })
  return messages
}

const request = fc
  .record({
    system: fc.array(text, { maxLength: 2 }),
    turns: fc.array(turn, { maxLength: 3 }),
    tools: fc.uniqueArray(tool, { selector: (one) => one.name, maxLength: 3 }),
    choice: fc.constantFrom('auto', 'none', 'required', 'tool', undefined),
    maxTokens: fc.integer({ min: 100, max: 10_000 }),
    temperature: fc.option(fc.constantFrom(0, 0.25, 1), { nil: undefined }),
    topP: fc.option(fc.constantFrom(0.5, 0.99), { nil: undefined }),
    stream: fc.boolean(),
  })
  .map(({ system, turns, tools, choice, maxTokens, temperature, topP, stream }) => {
    const [first] = tools
    const toolChoice: ToolChoice | undefined =
      !first || choice === undefined
        ? undefined
        : choice === 'tool'
          ? { mode: 'tool', name: first.name }
          : { mode: choice }
    return {
      model: 'shadow',
      stream,
      includeUsage: true,
      system: system.map((line) => ({ type: 'text' as const, text: line })),
      messages: messagesOf(turns),
      tools,
      maxTokens,
      ...(toolChoice && { toolChoice }),
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { topP }),
    }
  })

/** What must be the same: all that was said and asked for, without places, ids and ways of saying it. */
const said = ({ system, messages, tools, toolChoice, maxTokens, temperature, topP, stream }: NeutralRequest) => {
  const parts = messages.flatMap((message) => message.parts.map((part) => ({ role: message.role, part })))
  const ids = parts.flatMap(({ part }) => (part.type === 'tool-call' ? [part.id] : []))
  const plain = (part: Part): unknown => {
    switch (part.type) {
      case 'text':
        return part.text
      case 'image':
        return part.source
      case 'tool-call':
        return { call: part.name, args: JSON.parse(part.arguments) as unknown }
      case 'tool-result':
        return {
          result: ids.indexOf(part.callId),
          content: part.content.map((inner) => (inner.type === 'text' ? inner.text : inner.type)),
        }
      default:
        return part
    }
  }
  return {
    system: system.map((part) => part.text).join('\n\n'),
    messages: parts.map(({ role, part }) => [role, plain(part)]),
    tools: tools.map((one) =>
      one.type === 'function' ? { name: one.name, description: one.description ?? '', schema: one.schema } : one.type,
    ),
    choice: tools.length === 0 ? { mode: 'auto' } : (toolChoice ?? { mode: 'auto' }),
    maxTokens,
    temperature,
    topP,
    stream,
  }
}

const place = ({ stream }: { readonly stream: boolean }) => ({ model: 'shadow', stream })

describe.each(protocols.map((protocol) => ({ id: protocol.id, protocol })))('$id', ({ protocol }) => {
  test('reads the request that it wrote', () => {
    fc.assert(
      fc.property(request, (given) => {
        const neutral: NeutralRequest = { ...given, protocol: protocol.id }
        const { body } = protocol.encodeRequest(neutral, { model: 'shadow', defaultMaxTokens: 100 })
        const again = protocol.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject, place(given))
        expect(said(again)).toEqual(said(neutral))
      }),
      { numRuns: 300 },
    )
  })
})

const served = pairs.flatMap(({ name: title, client, provider }) => {
  const reader = protocols.find(({ id }) => id === provider.id)
  return reader && reader.id !== client.id ? [{ title, client, provider: reader }] : []
})

describe.each(served)('$title', ({ client, provider }) => {
  test('what the client asks is what the provider reads', () => {
    fc.assert(
      fc.property(request, (given) => {
        const neutral: NeutralRequest = { ...given, protocol: client.id }
        const { body } = client.encodeRequest(neutral, { model: 'shadow', defaultMaxTokens: 100 })
        const road = crossingRoad(client, { body, place: place(given) }, { provider })
        const sent = JSON.parse(road.request(undefined).toString()) as JsonObject
        expect(said(provider.decodeRequest(sent, place(given)))).toEqual(said(neutral))
      }),
      { numRuns: 100 },
    )
  })
})
