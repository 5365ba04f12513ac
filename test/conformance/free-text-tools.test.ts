import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unfold } from '../../src/core/protocols/fold.ts'
import { protocols } from '../../src/core/protocols/index.ts'
import type { JsonObject, NeutralResponse } from '../../src/core/protocols/neutral/index.ts'
import { answerOf, decodeStream } from '../support/recordings.ts'
import { asks, nextTurn } from './support/asked.ts'
import { pairs } from './support/pairs.ts'
import { carry, crossingRoad } from './support/roads.ts'

/** Tools whose input is free text are functions with one string for a provider that has none, and come back as what they were. */
const served = pairs.flatMap(({ name, client, provider }) => {
  const speaker = protocols.find(({ id }) => id === provider.id)
  return client.customTools && speaker && speaker.id !== client.id ? [{ name, client, provider: speaker }] : []
})
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom('{"input":"x"}', '*** Begin Patch\n+a\n', '"', '\u2028'),
)

const answer = (input: string, custom: boolean): NeutralResponse => ({
  id: 'answer-1',
  model: 'real',
  choices: [
    {
      blocks: [
        {
          kind: 'tool-call',
          id: 'call_1abc',
          name: 'apply_patch',
          arguments: custom ? input : JSON.stringify({ input }),
          ...(custom && { custom }),
        },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_calls' },
    },
  ],
  usage: {
    input: { uncached: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 1, reasoning: 0 },
  },
})

const callOf = ({ choices }: NeutralResponse) => choices[0]!.blocks.find((block) => block.kind === 'tool-call')

describe.each(served)('$name', ({ client, provider }) => {
  const encoding = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 1 }

  test('any text that a model writes reaches the tool as it is, and goes back the same way', () => {
    fc.assert(
      fc.property(text, (input) => {
        const told = answer(input, provider.customTools === true)
        const asked = asks(client, answer(input, true), true)!
        const road = crossingRoad(client, asked, { provider })
        const declared = JSON.stringify(JSON.parse(road.request(undefined).toString()))
        expect(declared).toContain('apply_patch')

        const encoder = provider.createEncoder(encoding)
        const bytes = Buffer.from(
          unfold(told)
            .map((event) => encoder.push(event))
            .join(''),
        )
        const { bytes: out, failed } = carry(client, road.stream(), [bytes])
        expect(failed).toBe(false)
        const streamed = answerOf(decodeStream(client, [out]))
        expect(callOf(streamed)).toMatchObject({ name: 'apply_patch', arguments: input, custom: true })

        const { body } = road.unary(Buffer.from(JSON.stringify(provider.encodeResponse(told, encoding))))
        const whole = client.decodeResponse(JSON.parse(body.toString()) as JsonObject)
        expect(callOf(whole)).toMatchObject({ name: 'apply_patch', arguments: input, custom: true })

        const next = asks(client, answer(input, true), false, nextTurn(whole))!
        const sent = JSON.parse(crossingRoad(client, next, { provider }).request(undefined).toString()) as JsonObject
        const history = provider
          .decodeRequest(sent, { model: 'real', stream: false })
          .messages.flatMap(({ parts }) => parts)
        const again = history.find((part) => part.type === 'tool-call')
        const written = provider.customTools
          ? again!.arguments
          : (JSON.parse(again!.arguments) as { input: string }).input
        expect(written).toBe(input)
      }),
      { numRuns: 100 },
    )
  })
})
