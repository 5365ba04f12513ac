import * as fc from 'fast-check'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { answers, streamOf } from '../../../../test/support/arbitrary-answers.ts'
import { descriptionPresent, eventMismatch, mismatch } from '../../../../test/support/openapi.ts'
import { answerOf, decodeStream } from '../../../../test/support/recordings.ts'
import { GatewayError } from '../../kernel/errors.ts'
import type { Block, Finish, JsonObject, NeutralEvent, NeutralResponse } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { Decoder } from './decoder.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'
import { answerId, callId } from './ids.ts'

const asked: JsonObject = {
  model: 'shadow',
  input: 'hi',
  include: ['reasoning.encrypted_content'],
  instructions: 'Be brief.',
  tools: [
    { type: 'function', name: 'weather', parameters: { type: 'object' } },
    {
      type: 'namespace',
      name: 'mail',
      description: 'Mail.',
      tools: [{ type: 'function', name: 'send', parameters: {} }],
    },
    { type: 'custom', name: 'patch' },
    { type: 'web_search' },
  ],
  tool_choice: 'required',
  temperature: 0.5,
  reasoning: { effort: 'high', summary: 'auto' },
  text: { format: { type: 'json_schema', name: 'a', schema: { type: 'object' } } },
  metadata: { a: 'b' },
  max_output_tokens: 99,
}
const now = () => 1_700_000_000_000
const options = { model: 'shadow', includeUsage: true, created: 1, now, estimatedInputTokens: 7, asked }

const encode = (events: readonly NeutralEvent[], given = options): string => {
  const encoder = new Encoder(given)
  return events.map((event) => encoder.push(event)).join('')
}

const parse = (bytes: string): JsonObject[] =>
  new SseSplitter().push(Buffer.from(bytes)).flatMap((raw) => {
    const { event, data } = parseFrame(raw)
    if (data === '') return []
    const told = JSON.parse(data) as JsonObject
    expect(event).toBe(told['type'])
    return [told]
  })

const answer = (blocks: readonly Block[], finish: Finish = { reason: 'stop', raw: null }): NeutralResponse => ({
  id: 'msg_1',
  model: 'real',
  choices: [{ blocks, finish }],
})

const client = (bytes: string): OpenAI =>
  new OpenAI({
    apiKey: 'x',
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(bytes, { headers: { 'content-type': 'text/event-stream' } })),
  })
const readBySdk = (bytes: string) => client(bytes).responses.stream({ model: 'shadow', input: 'hi' }).finalResponse()

describe('any answer', () => {
  const pieces = fc.integer({ min: 1, max: 5 })

  test('is the same told whole and as a stream', () => {
    fc.assert(
      fc.property(answers, pieces, fc.boolean(), (given, size, wants) => {
        const how = wants ? options : { ...options, asked: {} }
        const last = parse(encode(streamOf(given, size), how)).at(-1)
        expect(last?.['response']).toEqual(encodeResponse(given, how))
      }),
      { numRuns: 300 },
    )
  })

  test('keeps the grammar of the stream: numbers without gaps, one item open at a time, everything opened is closed', () => {
    fc.assert(
      fc.property(answers, pieces, (given, size) => {
        const events = parse(encode(streamOf(given, size)))
        expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, at) => at))
        expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress'])
        let open: unknown
        let next = 0
        for (const event of events.slice(2, -1)) {
          if (event['type'] === 'response.output_item.added') {
            expect(open).toBeUndefined()
            expect(event['output_index']).toBe(next++)
            open = event['output_index']
          } else expect(event['output_index']).toBe(open)
          if (event['type'] === 'response.output_item.done') open = undefined
        }
        expect(open).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })

  test('comes back as it was, but for what this protocol cannot say', () => {
    fc.assert(
      fc.property(answers, pieces, (given, size) => {
        const again = answerOf(
          decodeStream({ createDecoder: () => new Decoder() }, [Buffer.from(encode(streamOf(given, size)))]),
        )
        const { blocks, finish } = given.choices[0]!
        const explained: Block[] =
          finish.reason === 'refusal' && finish.explanation && !blocks.some(({ kind }) => kind === 'refusal')
            ? [{ kind: 'refusal', text: finish.explanation }]
            : []
        expect(again.id).toBe(answerId(given.id, {}))
        expect(again.usage).toEqual(given.usage)
        expect(again.choices[0]!.blocks).toEqual([...blocks, ...explained].map(asCarried))
        expect(again.choices[0]!.finish.reason).toBe(carriedReason(given, explained.length > 0))
      }),
      { numRuns: 200 },
    )
  })

  test('is accepted by the strict helper of the SDK', async () => {
    await fc.assert(
      fc.asyncProperty(answers, pieces, async (given, size) => {
        const read = await readBySdk(encode(streamOf(given, size)))
        const whole = encodeResponse(given, options)
        expect(read.id).toBe(whole['id'])
        expect(read.status).toBe(whole['status'])
        expect(read.output).toHaveLength((whole['output'] as unknown[]).length)
      }),
      { numRuns: 100 },
    )
  })

  test.skipIf(!descriptionPresent)('would not pass the description with a key missing', () => {
    const { tools: _, ...response } = encodeResponse(answer([]), options)
    expect(mismatch('Response', response)).toContain('tools')
    expect(eventMismatch({ type: 'response.output_text.delta', delta: 'x' })).not.toBe('')
  })

  test.skipIf(!descriptionPresent)("passes OpenAI's description, whole and event by event", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(answers, pieces, (given, size) => {
        for (const how of [options, { ...options, asked: {} }]) {
          expect(mismatch('Response', encodeResponse(given, how))).toBe('')
          for (const event of parse(encode(streamOf(given, size), how))) {
            expect(eventMismatch(event)).toBe('')
            expect(mismatch('ResponseStreamEvent', event)).toBe('')
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})

/** Only links are sources; a tool without arguments is called with none; signatures are this protocol's from here on. */
const asCarried = (block: Block): unknown => {
  switch (block.kind) {
    case 'thinking':
      return { ...block, id: expect.stringMatching(/^rs_/) as string, signedBy: 'openai-responses' }
    case 'tool-call':
      return { ...block, id: callId(block.id) }
    case 'text':
    case 'refusal':
    case 'opaque':
      return block
  }
}

/** What stopped an answer at a word of the client's has no name here; neither has the difference between two limits. */
const carriedReason = ({ choices }: NeutralResponse, explained: boolean): string => {
  const { blocks, finish } = choices[0]!
  if (finish.reason === 'stop-sequence' || finish.reason === 'stop')
    return blocks.some(({ kind }) => kind === 'tool-call') ? 'tool-calls' : 'stop'
  if (finish.reason === 'context-exceeded') return 'length'
  if (finish.reason === 'content-filter' || finish.reason === 'refusal')
    return explained || blocks.some(({ kind }) => kind === 'refusal') ? 'refusal' : 'content-filter'
  return finish.reason
}

describe('the items of an answer', () => {
  test('texts next to each other are parts of one message, others have a message of their own', () => {
    const call: Block = { kind: 'tool-call', id: 'call_1', name: 'weather', arguments: '' }
    const { output } = encodeResponse(
      answer([{ kind: 'text', text: 'a' }, { kind: 'text', text: 'b' }, call, { kind: 'text', text: 'c' }]),
      options,
    )
    expect(output).toMatchObject([
      { type: 'message', content: [{ text: 'a' }, { text: 'b' }] },
      { type: 'function_call', call_id: 'call_1', arguments: '{}' },
      { type: 'message', content: [{ text: 'c' }] },
    ])
  })

  test('only what was cut short is incomplete', () => {
    const { output, incomplete_details, completed_at } = encodeResponse(
      answer(
        [
          { kind: 'text', text: 'a' },
          { kind: 'tool-call', id: 'c', name: 'weather', arguments: '{"ci' },
        ],
        {
          reason: 'length',
          raw: null,
        },
      ),
      options,
    )
    expect(output).toMatchObject([{ status: 'completed' }, { status: 'incomplete', arguments: '{"ci' }])
    expect({ incomplete_details, completed_at }).toEqual({
      incomplete_details: { reason: 'max_output_tokens' },
      completed_at: null,
    })
  })

  test('a tool of a namespace is called by both names', () => {
    const events = parse(
      encode(streamOf(answer([{ kind: 'tool-call', id: 'c', name: 'mail__send', arguments: '{}' }]), 9)),
    )
    expect(events.filter(({ item }) => item !== undefined)).toMatchObject([
      { item: { namespace: 'mail', name: 'send' } },
      { item: { namespace: 'mail', name: 'send' } },
    ])
    expect(events.find(({ type }) => type === 'response.function_call_arguments.done')).toMatchObject({ name: 'send' })
  })

  test.each([
    ['include', { include: ['reasoning.encrypted_content'] }, 'state'],
    ['store: false', { store: false }, 'state'],
    ['nothing', {}, undefined],
  ])('the state of reasoning goes to a client that asked by %s', (_, given, state) => {
    const { output } = encodeResponse(answer([{ kind: 'thinking', text: 'hm', signature: 'state', id: 'rs_7' }]), {
      ...options,
      asked: given,
    })
    expect(output).toEqual([
      {
        id: 'rs_7',
        type: 'reasoning',
        summary: [{ type: 'summary_text', text: 'hm' }],
        ...(state !== undefined && { encrypted_content: state }),
      },
    ])
  })

  test('reasoning that shows and carries nothing is no item, nor is what another protocol ran', () => {
    const blocks: Block[] = [
      { kind: 'thinking', text: '', signature: 'state' },
      { kind: 'opaque', part: { type: 'opaque', protocol: 'gemini', value: {} } },
    ]
    expect(encodeResponse(answer(blocks), { ...options, asked: {} })['output']).toEqual([])
    expect(encodeResponse(answer(blocks), options)['output']).toMatchObject([
      { summary: [], encrypted_content: 'state' },
    ])
  })

  test('what a provider of this protocol ran passes as it is, and redacted reasoning is state', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'x' } }
    const given = answer([
      { kind: 'text', text: 'a' },
      { kind: 'opaque', part: { type: 'opaque', protocol: 'openai-responses', value: search } },
      { kind: 'thinking', text: '', redacted: 'state' },
    ])
    const whole = encodeResponse(given, options)
    expect(whole['output']).toMatchObject([{ type: 'message' }, search, { summary: [], encrypted_content: 'state' }])
    expect(parse(encode(streamOf(given, 9))).at(-1)?.['response']).toEqual(whole)
  })

  test("what the client asked is repeated, with OpenAI's defaults for what it left out", () => {
    expect(encodeResponse(answer([]), options)).toMatchObject({
      instructions: 'Be brief.',
      tool_choice: 'required',
      temperature: 0.5,
      top_p: 1,
      reasoning: { effort: 'high', summary: 'auto' },
      metadata: { a: 'b' },
      max_output_tokens: 99,
      parallel_tool_calls: true,
      truncation: 'disabled',
      store: false,
      user: null,
      error: null,
      completed_at: 1_700_000_000,
    })
    const later = { ...options, now: () => 1_700_000_009_876 }
    expect(encodeResponse(answer([]), later)['completed_at']).toBe(1_700_000_009)
    expect(encodeResponse(answer([]), options)['tools']).toMatchObject([{ name: 'weather', strict: true }, {}, {}, {}])
  })
})

describe('what cannot be told', () => {
  const begun = streamOf(
    answer([
      { kind: 'text', text: 'half' },
      { kind: 'text', text: 'and' },
    ]),
    2,
  ).slice(0, 7)
  const error = new GatewayError('upstream_disconnected', 'It broke.')

  test('nothing is sent before the first block, and a failure there is one event', () => {
    const encoder = new Encoder(options)
    expect(encoder.push({ type: 'start', id: 'x', model: 'real' })).toBe('')
    expect(parse(encoder.fail(error, 'req_1'))).toEqual([
      { type: 'error', sequence_number: 0, code: 'upstream_disconnected', message: 'It broke.', param: null },
    ])
  })

  test('an answer that breaks ends with the error and a failed response with the items so far', async () => {
    const encoder = new Encoder(options)
    const sent = begun.map((event) => encoder.push(event)).join('')
    const events = parse(sent + encoder.fail(error, 'req_1'))
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, at) => at))
    expect(events.slice(-2)).toMatchObject([
      { type: 'error', code: 'upstream_disconnected', message: 'It broke.' },
      {
        type: 'response.failed',
        response: {
          status: 'failed',
          error: { code: 'server_error', message: 'It broke.' },
          output: [{ type: 'message', status: 'incomplete', content: [{ text: 'half' }, { text: 'an' }] }],
        },
      },
    ])
    if (descriptionPresent) for (const event of events) expect(eventMismatch(event)).toBe('')
    await expect(readBySdk(sent + encoder.fail(error, 'req_1'))).rejects.toThrow(/It broke/)
  })

  test('an end without a finish, an error, or a broken call is never made to look finished', () => {
    const endings: NeutralEvent[] = [
      { type: 'end' },
      { type: 'error', error: { class: 'server', status: 500, message: 'secret' } },
      { type: 'finish', choice: 0, finish: { reason: 'malformed-tool-call', raw: null } },
    ]
    for (const ending of endings) {
      const encoder = new Encoder(options)
      for (const event of begun) encoder.push(event)
      expect(encoder.push(ending)).toBe('')
      expect(encoder.failure).toBeDefined()
      expect(encoder.push({ type: 'end' })).toBe('')
    }
    expect(() => encodeResponse(answer([], { reason: 'malformed-tool-call', raw: null }), options)).toThrow(
      GatewayError,
    )
  })
})
