import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chargeFor } from '../../src/core/pricing/charge.ts'
import { freezePrice, parsePrices } from '../../src/core/pricing/parse.ts'
import { unfold } from '../../src/core/protocols/fold.ts'
import { protocols } from '../../src/core/protocols/index.ts'
import type { Block, FinishReason, NeutralResponse, Usage } from '../../src/core/protocols/neutral/index.ts'
import { inputTotal, outputTotal } from '../../src/core/protocols/neutral/index.ts'
import type { Protocol } from '../../src/core/protocols/protocol.ts'
import {
  answerOf,
  brokenLaws,
  decodeStream,
  isStream,
  readRecordings,
  recordingsPresent,
  streamBytes,
} from '../support/recordings.ts'
import { answerArrives, recordedAnswer } from './support/answers.ts'
import { asks } from './support/asked.ts'
import { buckets, lost } from './support/essence.ts'
import { pairs } from './support/pairs.ts'
import { carry, crossingRoad, kindFor } from './support/roads.ts'

/** Text with everything in it that breaks parsers; no half characters, which no UTF-8 can carry. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.constantFrom(
    '\u2028',
    '\r\n\r\ndata: {}',
    '"}',
    '\\u0000',
    '<think>',
    '\u0000',
    '👩‍👩‍👧',
    'e\u0301',
    '[DONE]',
    '\ufeff',
    ' ',
  ),
)
const key = fc.oneof(
  text,
  fc.constantFrom('__proto__', 'constructor', 'toString', '0', '', 'a.b[0]', 'type', 'arguments'),
)
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(text, fc.boolean(), fc.constant(null), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 3 })
    .map((entries) => Object.fromEntries(entries) as unknown),
}))

const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/)
const call = fc
  .record({ name, args: json.object })
  .map(({ name: called, args }): Omit<Extract<Block, { kind: 'tool-call' }>, 'id'> => ({
    kind: 'tool-call',
    name: called,
    arguments: JSON.stringify(args),
  }))

const count = fc.oneof(fc.constant(0), fc.nat({ max: 200_000 }))
const usage = fc
  .record({
    uncached: fc.integer({ min: 1, max: 100_000 }),
    cacheRead: count,
    write5m: count,
    write1h: count,
    visible: fc.integer({ min: 1, max: 100_000 }),
    reasoning: count,
  })
  .map(({ uncached, cacheRead, write5m, write1h, visible, reasoning }): Usage => ({
    input: { uncached, cacheRead, cacheWrite5m: write5m, cacheWrite1h: write1h },
    output: { visible, reasoning },
  }))

/** An answer that every protocol can tell: reasoning first, then text, then calls. */
const answer = fc
  .record({
    thinking: fc.option(text),
    said: fc.option(text),
    calls: fc.array(call, { maxLength: 3 }),
    end: fc.constantFrom<FinishReason>('stop', 'length'),
    usage,
  })
  .map(({ thinking, said, calls, end, usage: counted }): NeutralResponse => {
    const blocks: Block[] = [
      ...(thinking === null ? [] : [{ kind: 'thinking' as const, text: thinking }]),
      ...(said === null && calls.length > 0 ? [] : [{ kind: 'text' as const, text: said ?? 'a' }]),
      ...calls.map((made, index): Block => ({ ...made, id: `call_${index}abc` })),
    ]
    const reason = calls.length > 0 && end === 'stop' ? 'tool-calls' : end
    return { id: 'answer-1', model: 'real', choices: [{ blocks, finish: { reason, raw: reason } }], usage: counted }
  })

const optionsFor = (client: Protocol, given: NeutralResponse) => {
  const asked = asks(client, given, true)!
  return {
    model: 'shadow',
    includeUsage: true,
    created: 1,
    estimatedInputTokens: 7,
    request: client.decodeRequest(asked.body, asked.place),
    asked: asked.body,
  }
}

/** Gemini has no place for what was written to a cache. */
const tellable = (client: Protocol, given: NeutralResponse): NeutralResponse => {
  if (client.id !== 'gemini' || !given.usage) return given
  const { input, output } = given.usage
  return {
    ...given,
    usage: {
      output,
      input: {
        ...input,
        uncached: input.uncached + input.cacheWrite5m + input.cacheWrite1h,
        cacheWrite5m: 0,
        cacheWrite1h: 0,
      },
    },
  }
}

const bytesOf = (client: Protocol, given: NeutralResponse): Buffer => {
  const encoder = client.createEncoder(optionsFor(client, given))
  return Buffer.from(
    unfold(given)
      .map((event) => encoder.push(event))
      .join(''),
  )
}

describe.each(protocols.map((client) => ({ id: client.id, client })))(
  'what $id tells is what it was given',
  ({ client }) => {
    test('in a whole answer', () => {
      fc.assert(
        fc.property(answer, (given) => {
          const body = JSON.parse(JSON.stringify(client.encodeResponse(given, optionsFor(client, given)))) as never
          expect(lost(tellable(client, given), client.decodeResponse(body))).toEqual([])
        }),
        { numRuns: 300 },
      )
    })

    test('in a stream', () => {
      fc.assert(
        fc.property(answer, (given) => {
          const events = decodeStream(client, [bytesOf(client, given)])
          expect(brokenLaws(events)).toEqual([])
          expect(lost(tellable(client, given), answerOf(events))).toEqual([])
        }),
        { numRuns: 300 },
      )
    })

    test('in a stream that is cut in two at any byte', () => {
      const [given] = fc.sample(answer, { seed: 5, numRuns: 1 })
      const bytes = bytesOf(client, given!)
      for (let at = 1; at < bytes.length; at++) {
        const events = decodeStream(client, [bytes.subarray(0, at), bytes.subarray(at)])
        expect(lost(tellable(client, given!), answerOf(events))).toEqual([])
      }
    })
  },
)

const served = pairs.flatMap(({ name: title, client, provider }) => {
  const speaker = protocols.find(({ id }) => id === provider.id)
  return speaker && speaker.id !== client.id ? [{ title, client, provider: speaker }] : []
})

describe.each(served)('$title', ({ client, provider }) => {
  test('any answer crosses, whole and streamed, with odd keys and characters in it', () => {
    fc.assert(
      fc.property(answer, fc.nat(), (told, cut) => {
        const given = tellable(provider, told)
        const asked = asks(client, given, true)!
        const road = crossingRoad(client, asked, { provider })
        const bytes = bytesOf(provider, given)
        const at = cut % bytes.length
        const { bytes: out, failed } = carry(client, road.stream(), [bytes.subarray(0, at), bytes.subarray(at)])
        expect(failed).toBe(false)
        expect(lost(tellable(client, given), answerOf(decodeStream(client, [out])))).toEqual([])
        const whole = provider.encodeResponse(given, optionsFor(provider, given))
        const { body } = road.unary(Buffer.from(JSON.stringify(whole)))
        expect(lost(tellable(client, given), client.decodeResponse(JSON.parse(body.toString()) as never))).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})

const price = freezePrice({
  id: 1,
  ...parsePrices({ input: '3', output: '15', cached_input: '0.3', cache_write: '3.75', cache_write_1h: '6' }),
} as never)

describe('what an answer costs', () => {
  test('its totals are the same for clients of every protocol', () => {
    fc.assert(
      fc.property(answer, (given) => {
        for (const client of protocols) {
          const body = client.encodeResponse(given, optionsFor(client, given))
          const { usage: told } = client.decodeResponse(body)
          expect(inputTotal(told!), client.id).toBe(inputTotal(given.usage!))
          expect(outputTotal(told!), client.id).toBe(outputTotal(given.usage!))
          expect(buckets(told), client.id).toEqual(buckets(tellable(client, given).usage))
        }
      }),
      { numRuns: 300 },
    )
  })

  const recorded = recordingsPresent
    ? [...new Map(pairs.map(({ provider }) => [provider.id, provider])).values()].flatMap((provider) =>
        readRecordings(provider.id).flatMap((recording) => {
          const before = recordedAnswer(provider, recording)
          return before?.usage ? [{ id: recording.id, provider, recording, before }] : []
        }),
      )
    : []
  test.skipIf(!recordingsPresent)(
    'is the same whichever protocol the client speaks (skipped where recordings are absent)',
    () => {
      for (const { id, provider, recording, before } of recorded) {
        const charges = new Set<number>()
        for (const client of protocols) {
          const asked = asks(client, before, isStream(recording))
          if (!asked) continue
          const road = crossingRoad(client, asked, { provider, kind: kindFor(recording.provider, provider) })
          const way = road.stream()
          const arrived = answerArrives({ client, provider, recording })
          // What a client's protocol cannot carry is an error there, and no charge.
          if (!arrived?.bytes) continue
          const observed = isStream(recording)
            ? (carry(client, way, [streamBytes(recording)]), way.observed)
            : road.unary(Buffer.from(JSON.stringify(recording.response.json))).observed
          charges.add(chargeFor(price, observed.usage!))
        }
        expect([...charges], id).toEqual([chargeFor(price, before.usage!)])
      }
    },
  )
})
