import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FrozenPrice } from '../ledger/commands.ts'
import { chargeFor } from './charge.ts'
import { estimateTokens, holdBounds, hostedToolsPromptTokens, remotePartTokens, type HoldInput } from './estimate.ts'

const flat = (input: number, output: number, request = 0): FrozenPrice => ({
  input,
  output,
  cachedInput: input,
  cacheWrite5m: input,
  cacheWrite1h: input,
  reasoning: output,
  request,
})
const base: HoldInput = {
  price: flat(1_000_000, 2_000_000),
  bodyBytes: 100,
  remoteParts: 0,
  hasTools: false,
  hostedTools: false,
  contextWindow: null,
  maxOutputTokens: null,
  clientMaxTokens: undefined,
  choices: 1,
  defaultReserveTokens: 4096,
}

const amount = fc.integer({ min: 0, max: 1_000_000_000_000 })
const anyPrice: fc.Arbitrary<FrozenPrice> = fc.record({
  input: amount,
  output: amount,
  cachedInput: amount,
  cacheWrite5m: amount,
  cacheWrite1h: amount,
  reasoning: amount,
  request: amount,
})
const maybe = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: null })
const anyInput: fc.Arbitrary<HoldInput> = fc.record({
  price: anyPrice,
  bodyBytes: fc.integer({ min: 1, max: 2_000_000 }),
  remoteParts: fc.integer({ min: 0, max: 20 }),
  hasTools: fc.boolean(),
  hostedTools: fc.boolean(),
  contextWindow: maybe(2_000_000),
  maxOutputTokens: maybe(200_000),
  clientMaxTokens: fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: undefined }),
  choices: fc.integer({ min: 1, max: 8 }),
  defaultReserveTokens: fc.integer({ min: 1, max: 32_000 }),
})
const share = fc.double({ min: 0, max: 1, noNaN: true })

describe('the bounds of a hold', () => {
  test.each([
    ['one token per byte of the body', {}, { promptTokens: 100, outputTokens: 4096, outputLimit: 'reserve' }],
    ['never more prompt than the context window', { contextWindow: 60 }, { promptTokens: 60 }],
    ['what the body only points to is counted apart', { remoteParts: 2 }, { promptTokens: 100 + 2 * remotePartTokens }],
    [
      'the whole window with tools that the provider runs',
      { hostedTools: true, contextWindow: 5_000 },
      { promptTokens: 5_000 },
    ],
    [
      'a usual window with such tools when it is not known',
      { hostedTools: true },
      { promptTokens: hostedToolsPromptTokens },
    ],
    [
      'what the body shows when that is more',
      { hostedTools: true, bodyBytes: 300_000, remoteParts: 1 },
      { promptTokens: 300_000 + remotePartTokens },
    ],
    ["the client's limit on output", { clientMaxTokens: 50 }, { outputTokens: 50, outputLimit: 'client' }],
    [
      "the client's limit, but not above the model's",
      { clientMaxTokens: 50, maxOutputTokens: 40 },
      { outputTokens: 40, outputLimit: 'client' },
    ],
    [
      "the model's limit when the client sets none",
      { maxOutputTokens: 40 },
      { outputTokens: 40, outputLimit: 'model' },
    ],
    [
      'the reserve when the model could give more',
      { maxOutputTokens: 100_000 },
      { outputTokens: 4096, outputLimit: 'reserve' },
    ],
  ])('%s', (_, over, expected) => {
    expect(holdBounds({ ...base, ...over })).toMatchObject(expected)
  })

  test('most: prompt and output at full length; least: prompt and one token, or everything when the client fixed the length', () => {
    const open = holdBounds(base)
    expect([open.min, open.max]).toEqual([100 + 2, 100 + 2 * 4096])
    const fixed = holdBounds({ ...base, clientMaxTokens: 10, choices: 3 })
    expect([fixed.min, fixed.max]).toEqual([100 + 60, 100 + 60])
  })

  test('a free model holds nothing and limits nothing', () => {
    const bounds = holdBounds({ ...base, price: null })
    expect([bounds.min, bounds.max, bounds.affordable(0)]).toEqual([0, 0, 4096])
  })

  test('no request within its limits costs more than its hold (20 000 random requests)', () => {
    fc.assert(
      fc.property(anyInput, fc.array(share, { minLength: 6, maxLength: 6 }), (input, parts) => {
        const bounds = holdBounds(input)
        // Any division of a prompt and output within the bounds into buckets.
        let prompt = Math.floor(bounds.promptTokens * parts[0]!)
        const take = (part: number): number => {
          const some = Math.floor(prompt * part)
          prompt -= some
          return some
        }
        const output = Math.floor(bounds.outputTokens * bounds.choices * parts[4]!)
        const reasoning = Math.floor(output * parts[5]!)
        const usage = {
          input: {
            cacheRead: take(parts[1]!),
            cacheWrite5m: take(parts[2]!),
            cacheWrite1h: take(parts[3]!),
            uncached: prompt,
          },
          output: { visible: output - reasoning, reasoning },
        }
        expect(chargeFor(input.price!, usage)).toBeLessThanOrEqual(bounds.max)
      }),
      { numRuns: 20_000 },
    )
  })

  test('affordable is the inverse of costFor: it fits, and one token more does not (20 000 random requests)', () => {
    fc.assert(
      fc.property(anyInput, share, (input, part) => {
        const bounds = holdBounds(input)
        const held = Math.floor(bounds.max * part)
        const tokens = bounds.affordable(held)
        const promptFits = bounds.costFor(0) <= held
        expect(tokens).toBeGreaterThanOrEqual(0)
        expect(tokens).toBeLessThanOrEqual(bounds.outputTokens)
        expect(promptFits ? bounds.costFor(tokens) : tokens).toBeLessThanOrEqual(promptFits ? held : 0)
        expect(tokens === bounds.outputTokens || bounds.costFor(tokens + 1) > held).toBe(true)
        expect(bounds.affordable(bounds.max)).toBe(bounds.outputTokens)
      }),
      { numRuns: 20_000 },
    )
  })

  test('whatever is held between least and most pays for at least one token of each choice', () => {
    fc.assert(
      fc.property(anyInput, share, (input, part) => {
        const bounds = holdBounds(input)
        const held = bounds.min + Math.floor((bounds.max - bounds.min) * part)
        expect(bounds.affordable(held)).toBeGreaterThanOrEqual(Math.min(1, bounds.outputTokens))
      }),
    )
  })

  test.each([2 ** 53, 2 ** 64, Number.MAX_SAFE_INTEGER])(
    'a limit of %s tokens is refused, not wrapped',
    (clientMaxTokens) => {
      expect(() => holdBounds({ ...base, clientMaxTokens, choices: 4 })).toThrow(
        expect.objectContaining({ code: 'invalid_request' }),
      )
    },
  )
})

test('a token is estimated for every four characters, rounded up', () => {
  expect([0, 1, 4, 5, 400].map(estimateTokens)).toEqual([0, 1, 1, 2, 100])
})
