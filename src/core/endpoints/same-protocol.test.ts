import { describe, expect, test } from 'vitest'
import { createSealer } from '../kernel/secrets.ts'
import { openaiResponses } from '../protocols/openai-responses/index.ts'
import { reasoningId } from '../protocols/openai-responses/ids.ts'
import { quirksOf, type QuirkId } from '../protocols/openai-chat/quirks.ts'
import { providerKindById } from '../provider-kinds/index.ts'
import { generate } from './generate.ts'
import { ownerOf, sealState } from './sealed-state.ts'

const sealer = createSealer(Buffer.alloc(32, 1), 'test')
const claude = ownerOf('anthropic-messages', 'prv_2', 'claude-sonnet-4-5')

const road = (body: string, quirks: readonly QuirkId[] = [], strict = false) =>
  generate(openaiResponses).road({
    facts: openaiResponses.inspect(Buffer.from(body)),
    place: {},
    target: {
      kind: providerKindById('openai')!,
      speaks: ['openai-chat', 'openai-responses'],
      model: 'shadow',
      providerId: 'prv_1',
      quirks: quirksOf(quirks),
      baseUrl: 'http://provider.test/v1',
    },
    shadowModel: 'shadow',
    maxTokens: undefined,
    defaultMaxTokens: 100,
    estimatedInputTokens: 1,
    created: 1,
    crossing: { strict, dropUnsupportedTools: false },
    sealer,
    clientHeaders: {},
  })

const user = '{"role":"developer", "content":"hi"}'
const sealed = JSON.stringify({
  type: 'reasoning',
  id: reasoningId(undefined, 'a', 0),
  summary: [{ type: 'summary_text', text: 'a ], [ "b"' }],
  encrypted_content: sealState(sealer, { ...claude, text: 'x', signature: 's' }),
})
const unsigned = JSON.stringify({ type: 'reasoning', id: reasoningId(undefined, 'a', 1), summary: [] })
const own = '{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"E"}'

const body = (items: readonly string[]): string =>
  `{"model":"shadow","input":[ ${items.join(' , ')} ],"metadata":{"n":1.0}}`

describe('reasoning of other models on the way to a server of the same protocol', () => {
  test.each([
    [[sealed, user, own]],
    [[user, sealed, own]],
    [[user, own, sealed]],
    [[sealed, unsigned, user, own, unsigned, sealed]],
    [[user, unsigned, sealed, own]],
  ])('is cut out of the bytes, which are otherwise as they came (%#)', (items) => {
    const way = road(body(items))
    const sent = String(way.request(undefined))
    expect(JSON.parse(sent)).toEqual({
      model: 'shadow',
      input: [JSON.parse(user), JSON.parse(own)],
      metadata: { n: 1 },
    })
    expect(sent).toContain(user)
    expect(sent).toContain('"n":1.0')
    expect(way.straight).toBe(true)
    const foreign = items.flatMap((item, index) => (item === user || item === own ? [] : [`input[${index}]`]))
    expect(way.warnings.map(({ path }) => path)).toEqual(foreign)
  })

  test('is refused where nothing may change', () => {
    expect(() => road(body([user, unsigned]), [], true)).toThrow('input[1]')
  })

  test('words like those of a seal, in what somebody says, change nothing', () => {
    const said = body(['{"role":"user","content":"TollgateSeal ] , ["}'])
    expect(String(road(said).request(undefined))).toBe(said)
  })

  test('state of this very provider is opened', () => {
    const state = { ...ownerOf('openai-responses', 'prv_1', 'shadow'), text: '', id: 'rs_9', signature: 'E' }
    const item = JSON.stringify({ type: 'reasoning', summary: [], encrypted_content: sealState(sealer, state) })
    const { input } = JSON.parse(String(road(body([user, item])).request(undefined))) as { input: object[] }
    expect(input[1]).toMatchObject({ type: 'reasoning', id: 'rs_9', encrypted_content: 'E' })
  })
})

test('a server whose Responses are out of order gets the client bytes, and its answers are put in order under their own id', () => {
  const asked = body([user.replace('developer', 'user')])
  const way = road(asked, ['responses-events'])
  expect(way.straight).toBe(false)
  expect(String(way.request(undefined))).toBe(asked)
  const message = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] }
  const events = [
    { type: 'response.created', response: { id: 'odd-1', status: 'in_progress', output: [] } },
    { type: 'response.output_item.done', output_index: 0, item: { ...message, id: 'm1' } },
    { type: 'response.completed', response: { id: 'odd-1', status: 'completed', output: [{ ...message, id: 'm2' }] } },
    { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'late' },
  ]
  const stream = way.stream()
  const out = String(stream.push(Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))))
  const told = [...out.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!) as { [key: string]: unknown })
  expect(told.map(({ sequence_number: number }) => number)).toEqual(told.map((_, index) => index))
  expect(told.map(({ type }) => type)).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ])
  expect(told.at(-1)!['response']).toMatchObject({ id: 'odd-1', store: true })
})
