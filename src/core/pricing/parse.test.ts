import { describe, expect, test } from 'vitest'
import { freezePrice, parsePrices, showPrice } from './parse.ts'

describe('prices as people write them', () => {
  test.each([
    ['negative', { input: '-1', output: '1' }],
    ['not a number', { input: 'NaN', output: '1' }],
    ['an exponent', { input: '1e18', output: '1' }],
    ['huge', { input: '1000000000000000000', output: '1' }],
    ['above one credit a token', { input: '1000001', output: '1' }],
    ['more than nine decimals', { input: '0.0000000001', output: '1' }],
    ['a comma', { input: '1,5', output: '1' }],
    ['full-width digits', { input: '１００', output: '1' }],
    ['empty', { input: '', output: '1' }],
    ['negative where optional', { input: '1', output: '1', reasoning: '-2' }],
    ['all zero', { input: '0', output: '0' }],
    ['all zero in other words', { input: '-0', output: '0.0', request: '0' }],
  ])('%s is refused', (_, given) => {
    expect(() => parsePrices(given)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  test('an optional price that is left out follows input or output', () => {
    expect(showPrice(freezePrice(parsePrices({ input: '2.5', output: '10' })))).toEqual({
      input: '2.5',
      output: '10',
      cached_input: '2.5',
      cache_write: '2.5',
      cache_write_1h: '2.5',
      reasoning: '10',
      request: '0',
    })
  })

  test('what is given comes back as it was written', () => {
    const given = {
      input: '2.5',
      output: '10',
      cached_input: '0.25',
      cache_write: '3.125',
      cache_write_1h: '5',
      reasoning: '12',
      request: '0.000000001',
    }
    expect(showPrice(freezePrice(parsePrices(given)))).toEqual(given)
  })

  test('a zero that was given on purpose stays zero', () => {
    expect(freezePrice(parsePrices({ input: '1', output: '0', cached_input: '0' }))).toMatchObject({
      output: 0,
      cachedInput: 0,
      reasoning: 0,
    })
  })
})
