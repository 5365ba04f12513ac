import { describe, expect, test } from 'vitest'
import type { RoadOptions } from '../../src/core/endpoints/endpoint.ts'
import { generate } from '../../src/core/endpoints/generate.ts'
import { createSealer } from '../../src/core/kernel/secrets.ts'
import type { JsonObject, JsonValue } from '../../src/core/protocols/neutral/index.ts'
import { openaiChat } from '../../src/core/protocols/openai-chat/index.ts'
import {
  type QuirkId,
  quirkIds,
  type quirks,
  quirksOf,
  switchQuirks,
} from '../../src/core/protocols/openai-chat/quirks.ts'
import { parseFrame, SseSplitter } from '../../src/core/protocols/sse.ts'
import { providerKindById } from '../../src/core/provider-kinds/index.ts'
import { isStream, readRecordings, recordingsPresent, recut, streamBytes } from '../support/recordings.ts'

/** Every quirk by a request or an answer that shows it: in comes what the server sends or refuses, out goes what clients and servers expect. */
type OfSide<Side, One = (typeof quirks)[number]> = One extends { id: infer Id; side: Side } ? Id : never
type RequestQuirk = OfSide<'request'>
/** The one of Responses is tested where its road is (endpoints/same-protocol.test.ts). */
type AnswerQuirk = Exclude<OfSide<'answer'>, 'responses-events'>

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const road = (body: JsonObject, ids: readonly QuirkId[], maxTokens?: number) => {
  const options: RoadOptions = {
    facts: openaiChat.inspect(Buffer.from(JSON.stringify(body))),
    place: {},
    target: {
      kind: providerKindById('openai')!,
      speaks: ['openai-chat'],
      model: 'real',
      providerId: 'prv_1',
      quirks: quirksOf(ids),
      baseUrl: 'https://provider.test/v1',
    },
    clientHeaders: {},
    shadowModel: 'shadow',
    maxTokens,
    defaultMaxTokens: 4096,
    estimatedInputTokens: 7,
    created: 1,
    crossing: { strict: false, dropUnsupportedTools: false },
    sealer: createSealer(Buffer.alloc(32, 7), 'test'),
  }
  return generate(openaiChat).road(options)
}

const hello: JsonObject = { role: 'user', content: 'hi' }
const calls = (id: string, more: JsonObject = {}): JsonObject => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }],
  ...more,
})
const result = (id: string): JsonObject => ({ role: 'tool', tool_call_id: id, content: 'ok' })
const tools: JsonValue = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]

interface RequestCase {
  readonly asked: JsonObject
  readonly maxTokens?: number
  /** What the server gets. */
  sent(body: JsonObject): void
}

const messagesOf = (body: JsonObject) => body['messages'] as JsonObject[]

const requests: Readonly<Record<RequestQuirk, readonly RequestCase[]>> = {
  'max-tokens-only': [
    {
      asked: { max_completion_tokens: 50 },
      maxTokens: 50,
      sent: (body) => {
        expect(body).toMatchObject({ max_tokens: 50 })
        expect(body).not.toHaveProperty('max_completion_tokens')
      },
    },
    {
      asked: { max_completion_tokens: 50, max_tokens: 50 },
      maxTokens: 20,
      sent: (body) => {
        expect(body).toMatchObject({ max_tokens: 20 })
        expect(body).not.toHaveProperty('max_completion_tokens')
      },
    },
  ],
  'max-tokens-first': [{ asked: {}, maxTokens: 20, sent: (body) => expect(body).toMatchObject({ max_tokens: 20 }) }],
  'no-stream-options': [
    {
      asked: { stream: true, stream_options: { include_usage: true } },
      sent: (body) => {
        expect(body).toMatchObject({ stream: true })
        expect(body).not.toHaveProperty('stream_options')
      },
    },
  ],
  'tool-choice-any': [
    { asked: { tools, tool_choice: 'required' }, sent: (body) => expect(body).toMatchObject({ tool_choice: 'any' }) },
    { asked: { tools, tool_choice: 'auto' }, sent: (body) => expect(body).toMatchObject({ tool_choice: 'auto' }) },
  ],
  'system-not-developer': [
    {
      asked: { messages: [{ role: 'developer', content: 'be brief' }, hello] },
      sent: (body) => expect(messagesOf(body)).toEqual([{ role: 'system', content: 'be brief' }, hello]),
    },
  ],
  'nine-char-call-ids': [
    {
      asked: { tools, messages: [hello, calls('call_0123456789'), result('call_0123456789')] },
      sent: (body) => {
        const [, call, answered] = messagesOf(body)
        const [made] = call!['tool_calls'] as JsonObject[]
        expect(made!['id']).toMatch(/^[a-zA-Z0-9]{9}$/)
        expect(answered!['tool_call_id']).toBe(made!['id'])
      },
    },
  ],
  'reasoning-content-back': [
    {
      asked: {
        tools,
        messages: [hello, calls('c1', { reasoning_content: 'hm' }), result('c1'), calls('c2'), result('c2')],
      },
      sent: (body) => {
        expect(messagesOf(body)[1]).toMatchObject({ reasoning_content: 'hm' })
        expect(messagesOf(body)[3]).toMatchObject({ reasoning_content: '' })
      },
    },
  ],
  'reasoning-back': [
    {
      asked: { messages: [hello, { role: 'assistant', content: 'a', reasoning: 'hm' }, hello] },
      sent: (body) => expect(messagesOf(body)[1]).toMatchObject({ reasoning: 'hm' }),
    },
  ],
}

describe.each(quirkIds.filter((id): id is RequestQuirk => id in requests))('%s', (id) => {
  test.each([
    ['straight road', []],
    ['crossing', ['rotating-ids']],
  ] as const)('is kept on the %s', (_road, more) => {
    for (const { asked, maxTokens, sent } of requests[id]) {
      const way = road({ model: 'shadow', messages: [hello], ...asked }, [id, ...more], maxTokens)
      expect(way.straight).toBe(more.length === 0)
      const body = JSON.parse(way.request(maxTokens).toString('utf8')) as JsonObject
      expect(body['model']).toBe('real')
      sent(body)
    }
  })

  test('that is not there changes no byte but the name of the model', () => {
    const body = { model: 'shadow', messages: [hello], ...requests[id][0]!.asked }
    expect(road(body, []).request(undefined).toString('utf8')).toBe(JSON.stringify(body).replace('"shadow"', '"real"'))
  })
})

// Answers

const chunk = (choice: JsonObject, more: JsonObject = {}): JsonObject => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 5,
  model: 'real',
  choices: [{ index: 0, delta: {}, finish_reason: null, ...choice }],
  ...more,
})
const said = (content: JsonValue, more: JsonObject = {}) => chunk({ delta: { content } }, more)
const first = chunk({ delta: { role: 'assistant', content: '' } })
const finish = (reason: string, more: JsonObject = {}) => chunk({ finish_reason: reason }, more)
const stream = (chunks: readonly JsonValue[], done = true): string =>
  chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`).join('') + (done ? 'data: [DONE]\n\n' : '')
const usage = (completion: number): JsonObject => ({
  usage: { prompt_tokens: 3, completion_tokens: completion, total_tokens: 3 + completion },
})
const called = (more: JsonObject) =>
  chunk({
    delta: { tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' }, ...more }] },
  })

/** The smallest stream that shows each quirk, and what a client makes of it: a text, a call, or an error. */
const answers: Readonly<Record<AnswerQuirk, { readonly sent: string; readonly told: 'text' | 'call' | 'error' }>> = {
  'missing-tool-index': { sent: stream([first, called({}), finish('tool_calls')]), told: 'call' },
  'missing-first-role': { sent: stream([said('Hi'), said(' you'), finish('stop')]), told: 'text' },
  'usage-on-every-chunk': {
    sent: stream([{ ...first, ...usage(1) }, said('Hi you', usage(2)), finish('stop', usage(3))]),
    told: 'text',
  },
  'no-done': { sent: stream([first, said('Hi you'), finish('stop')], false), told: 'text' },
  'empty-finish-reason': { sent: stream([first, said('Hi you'), finish('')]), told: 'text' },
  'error-in-chunk': {
    sent: stream([first, said('Hi', { error: { code: 429, message: 'slow down' } })]),
    told: 'error',
  },
  'error-as-array': {
    sent: stream([first, said('Hi'), [{ error: { code: 503, message: 'slow down', status: 'UNAVAILABLE' } }]], false),
    told: 'error',
  },
  'rotating-ids': {
    sent: stream([first, { ...said('Hi you'), id: 'chatcmpl-2' }, { ...finish('stop'), id: 'chatcmpl-3' }]),
    told: 'text',
  },
  'content-as-parts': { sent: stream([first, said([{ type: 'text', text: 'Hi you' }]), finish('stop')]), told: 'text' },
  'empty-content-with-calls': {
    sent: stream([
      chunk({
        delta: {
          role: 'assistant',
          content: '',
          tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
      }),
      finish('tool_calls'),
    ]),
    told: 'call',
  },
  'think-tags': {
    sent: stream([first, said('<thi'), said('nk>hm</thin'), said('k>\n\nHi you'), finish('stop')]),
    told: 'text',
  },
}

/** Which quirks a stream shows, judged by its frames alone. */
const shown = (bytes: Buffer): Set<QuirkId> => {
  const found = new Set<QuirkId>()
  const frames = new SseSplitter()
    .push(bytes)
    .map(parseFrame)
    .filter(({ data }) => data !== '')
  if (frames.at(-1)?.data.trim() !== '[DONE]') found.add('no-done')
  const chunks = frames.filter(({ data }) => data.trim() !== '[DONE]').map(({ data }) => JSON.parse(data) as JsonValue)
  if (chunks.some(Array.isArray)) found.add('error-as-array')
  const objects = chunks.filter(isObject)
  if (objects.some((one) => isObject(one['error']) && Array.isArray(one['choices']))) found.add('error-in-chunk')
  if (new Set(objects.filter(({ id }) => typeof id === 'string').map(({ id }) => id)).size > 1)
    found.add('rotating-ids')
  const choices = objects.flatMap((one) => (Array.isArray(one['choices']) ? one['choices'].filter(isObject) : []))
  const told = objects.filter((one) => isObject(one['usage']))
  if (told.length > 1) found.add('usage-on-every-chunk')
  const deltas = choices.map((choice) => (isObject(choice['delta']) ? choice['delta'] : {}))
  if (deltas[0] && deltas[0]['role'] === undefined) found.add('missing-first-role')
  let text = ''
  for (const delta of deltas) {
    if (Array.isArray(delta['content'])) found.add('content-as-parts')
    if (typeof delta['content'] === 'string') text += delta['content']
    const list = Array.isArray(delta['tool_calls']) ? delta['tool_calls'].filter(isObject) : []
    if (list.some(({ index }) => typeof index !== 'number')) found.add('missing-tool-index')
    if (list.length > 0 && delta['content'] === '') found.add('empty-content-with-calls')
  }
  if (text.startsWith('<think>')) found.add('think-tags')
  if (choices.some((choice) => choice['finish_reason'] === '')) found.add('empty-finish-reason')
  return found
}

const streaming: JsonObject = {
  model: 'shadow',
  messages: [hello],
  stream: true,
  stream_options: { include_usage: true },
}

const relay = (ids: readonly QuirkId[], pieces: readonly Buffer[]) => {
  const way = road(streaming, ids)
  const answer = way.stream()
  let out = ''
  for (const piece of pieces) if (!answer.observed.failure) out += String(answer.push(piece))
  if (!answer.observed.failure) out += String(answer.finish())
  return { straight: way.straight, out, observed: answer.observed }
}

const textOf = (out: string): { text: string; reasoning: string; calls: number } => {
  const deltas = [...out.matchAll(/^data: (\{.*)$/gm)].flatMap(
    ([, json]) =>
      (
        JSON.parse(json!) as {
          choices: { delta: { content?: string; reasoning_content?: string; tool_calls?: { id?: string }[] } }[]
        }
      ).choices,
  )
  return {
    text: deltas.map(({ delta }) => delta.content ?? '').join(''),
    reasoning: deltas.map(({ delta }) => delta.reasoning_content ?? '').join(''),
    calls: deltas.flatMap(({ delta }) => delta.tool_calls ?? []).filter(({ id }) => id !== undefined).length,
  }
}

describe.each(quirkIds.filter((id): id is AnswerQuirk => id in answers))('%s', (id) => {
  const { sent, told } = answers[id]
  const bytes = Buffer.from(sent)

  test('is repaired, and without it bytes pass as they are', () => {
    expect([...shown(bytes)]).toContain(id)
    expect(road(streaming, []).straight).toBe(true)
    for (let seed = 0; seed <= 10; seed++) {
      const { straight, out, observed } = relay([id], seed === 0 ? [bytes] : recut(bytes, seed))
      expect(straight).toBe(false)
      if (told === 'error') {
        expect(observed).toMatchObject({ complete: false, failure: { message: 'slow down' } })
        expect(out).not.toMatch(/error|\[DONE\]/)
        continue
      }
      expect([...shown(Buffer.from(out))]).toEqual([])
      expect(observed.complete).toBe(true)
      expect(textOf(out)).toEqual({
        text: told === 'text' ? 'Hi you' : '',
        reasoning: id === 'think-tags' ? 'hm' : '',
        calls: told === 'call' ? 1 : 0,
      })
    }
  })
})

describe('think-tags', () => {
  const unary = (content: string) => {
    const body = {
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: 'real',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    }
    const answer = road({ ...streaming, stream: false, stream_options: null }, ['think-tags']).unary(
      Buffer.from(JSON.stringify(body)),
    )
    const { choices } = JSON.parse(answer.body.toString('utf8')) as { choices: { message: JsonObject }[] }
    return [choices[0]!.message['reasoning_content'] ?? '', choices[0]!.message['content'] ?? '']
  }
  const streamed = (content: string, size: number) => {
    const pieces = content.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
    const { text, reasoning } = textOf(
      relay(['think-tags'], [Buffer.from(stream([first, ...pieces.map((one) => said(one)), finish('stop')]))]).out,
    )
    return [reasoning, text]
  }

  test.each([
    ['<think>hm</think>\n\nHi', 'hm', 'Hi'],
    ['\n<think>\nhm\n</think>Hi </think>', '\nhm\n', 'Hi </think>'],
    ['<think>hm', 'hm', ''],
    ['<think></think>Hi', '', 'Hi'],
    ['Hi <think>no</think>', '', 'Hi <think>no</think>'],
    ['<thinker>Hi', '', '<thinker>Hi'],
    ['<thi', '', '<thi'],
    ['hm</think>Hi', '', 'hm</think>Hi'],
    ['<think>a</thi b</think>Hi', 'a</thi b', 'Hi'],
  ])('%j is the same whole and in pieces of any size', (content, reasoning, text) => {
    expect(unary(content)).toEqual([reasoning, text])
    for (const size of [1, 2, 3, 5, 100]) expect(streamed(content, size)).toEqual([reasoning, text])
  })

  test('without the quirk are text', () => {
    const { out } = relay(['rotating-ids'], [Buffer.from(answers['think-tags'].sent)])
    expect(textOf(out)).toEqual({ text: '<think>hm</think>\n\nHi you', reasoning: '', calls: 0 })
  })
})

describe('a list of quirks', () => {
  // Those of Responses: src/core/endpoints/same-protocol.test.ts.
  test('has a case for each of Chat Completions in this file', () => {
    const chat = quirkIds.filter((id) => !quirksOf([id]).repairs.includes('openai-responses'))
    expect(Object.keys({ ...requests, ...answers }).toSorted()).toEqual([...chat].toSorted())
  })

  test('is that of the kind, with what was switched', () => {
    const ids = providerKindById('mistral')!.quirks!
    expect(switchQuirks(ids, {}).ids).toEqual(quirksOf(ids).ids)
    const switched = switchQuirks(ids, { 'think-tags': true, 'missing-tool-index': false })
    expect(switched.ids).toContain('think-tags')
    expect(switched.ids).not.toContain('missing-tool-index')
    expect(quirksOf(['max-tokens-only']).repairs).toEqual([])
    expect(quirksOf(['no-done']).repairs).toEqual(['openai-chat'])
  })
})

describe.skipIf(!recordingsPresent)('recorded streams of all servers (skipped where they are absent)', () => {
  const whole = readRecordings('openai-chat').filter(isStream)
  const shows = new Map(whole.map((recording) => [recording.id, shown(streamBytes(recording))]))

  test('show most of these quirks', () => {
    expect(new Set([...shows.values()].flatMap((ids) => [...ids]))).toEqual(
      new Set([
        'content-as-parts',
        'empty-content-with-calls',
        'error-in-chunk',
        'missing-first-role',
        'missing-tool-index',
        'no-done',
        'rotating-ids',
        'usage-on-every-chunk',
      ]),
    )
  })

  test.each(whole.filter(({ id }) => (shows.get(id)?.size ?? 0) > 0).map((one) => [one.id, one] as const))(
    '%s shows none after its repair',
    (id, recording) => {
      const { out, observed } = relay([...shows.get(id)!], [streamBytes(recording)])
      if (observed.failure) return expect(out).not.toContain('[DONE]')
      if (!observed.complete) return
      expect([...shown(Buffer.from(out))]).toEqual([])
    },
  )
})
