import { expect, test } from 'vitest'
import type { HoldContext } from './commands.ts'
import { packContext, unpackContext } from './hold-context.ts'

const price = { input: 1, output: 2, cachedInput: 3, cacheWrite5m: 4, cacheWrite1h: 5, reasoning: 6, request: 7 }
const context: HoldContext = {
  userId: 'usr_1',
  keyId: 'key_1',
  model: 'house-"fast"',
  modelId: 'mdl_1',
  priceId: 'prc_1',
  price,
  clientProtocol: 'openai-chat',
  clientRequestId: 'mine',
  stream: true,
  estimatedInputTokens: 30,
}

test('a hold remembers everything it was opened with', () => {
  expect(unpackContext(packContext(context))).toEqual(context)
  const free = { ...context, price: null, priceId: null, clientRequestId: null, stream: false }
  expect(unpackContext(packContext(free))).toEqual(free)
})

test.each(['', '{}', '[]', 'null', '["usr_1"]', JSON.stringify(context)])('%s is not taken for a context', (text) => {
  expect(() => unpackContext(text)).toThrow()
})
