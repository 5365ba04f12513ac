import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/core/protocols/neutral/index.ts'
import { protocols, providerProtocols } from '../../../src/core/protocols/index.ts'
import { unfold } from '../../../src/core/protocols/fold.ts'
import { countingEndpoints } from '../../../src/core/endpoints/counting/counting.ts'
import { createTokenCounter } from '../../../src/core/endpoints/counting/token-counter.ts'
import { providerKinds } from '../../../src/core/provider-kinds/index.ts'
import { sideRoad } from '../../support/side-road.ts'
import { decodeStream } from '../../support/recordings.ts'
import { chat, streamed } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: what Anthropic's clients want to know before an answer. */
const counter = createTokenCounter()
afterAll(() => counter.close())

test('case 9: message_start tells an estimate of the prompt when the provider counts last', () => {
  const { data } = streamed(
    { client: 'anthropic-messages', provider: 'openai-chat' },
    chat.stream(
      chat.delta({ role: 'assistant', content: 'a' }),
      chat.delta({}, 'stop'),
      chat.usage({ prompt_tokens: 30, completion_tokens: 4 }),
    ),
  )
  const start = data.find(({ type }) => type === 'message_start')?.['message'] as JsonObject
  // The road was built with an estimate of 7.
  expect(start['usage']).toMatchObject({ input_tokens: 7 })
  expect(data.find(({ type }) => type === 'message_delta')?.['usage']).toMatchObject({
    input_tokens: 30,
    output_tokens: 4,
  })
})

test('case 10: message_start has usage whatever the provider told', () => {
  const client = protocols.find(({ id }) => id === 'anthropic-messages')!
  const answer = {
    id: 'a',
    model: 'real',
    choices: [{ blocks: [{ kind: 'text', text: 'a' } as const], finish: { reason: 'stop', raw: null } as const }],
  }
  const encoder = client.createEncoder({ model: 'shadow', includeUsage: false, created: 1, estimatedInputTokens: 7 })
  const first = encoder.push(unfold(answer)[0]!) + encoder.push(unfold(answer)[1]!)
  const { message } = JSON.parse(/data: (\{"type":"message_start".*)/.exec(first)![1]!) as { message: JsonObject }
  expect(message['usage']).toMatchObject({
    input_tokens: expect.any(Number) as number,
    output_tokens: expect.any(Number) as number,
  })
  expect(providerProtocols.length).toBeGreaterThan(1)
  expect(decodeStream(client, [Buffer.from(first)]).at(-2)).toMatchObject({ type: 'error' })
})

const count = countingEndpoints.find(({ id }) => id === 'anthropic-count-tokens')!
const question = { model: 'shadow', messages: [{ role: 'user', content: 'What is the weather in Paris?' }] }

test.each(providerKinds.map(({ id }) => id))(
  'case 11: tokens for a model of %s are counted by its own provider or by the gateway',
  async (kind) => {
    const road = sideRoad(count, question, { kind })
    const speaks = providerKinds.find(({ id }) => id === kind)!.speaks
    if (road.local?.only) {
      const { body } = await road.local.answer(counter.count)
      expect((JSON.parse(body.toString()) as { input_tokens: number }).input_tokens).toBeGreaterThan(5)
    } else {
      // Asked in the words of a protocol that this provider speaks.
      expect(speaks).toContain(road.protocol)
      expect(road.baseUrl?.('https://example.com/v1') ?? 'https://example.com').toMatch(/^https:\/\/example\.com/)
    }
  },
)
