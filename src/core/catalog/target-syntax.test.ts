import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatTarget, maxPriority, maxWeight, parseTarget } from './target-syntax.ts'

describe('a target as people write it', () => {
  test.each([
    ['openai/gpt-5', 'openai', 'gpt-5', 1, 1],
    ['openai/gpt-5@3', 'openai', 'gpt-5', 3, 1],
    ['openai/gpt-5#2', 'openai', 'gpt-5', 1, 2],
    ['openai/gpt-5@3#2', 'openai', 'gpt-5', 3, 2],
    ['router/meta/llama-4:free@10#1', 'router', 'meta/llama-4:free', 10, 1],
    ['bedrock/arn:aws:bedrock:eu-west-1::model/x', 'bedrock', 'arn:aws:bedrock:eu-west-1::model/x', 1, 1],
    ['vertex/claude-sonnet-4@20250514', 'vertex', 'claude-sonnet-4@20250514', 1, 1],
    ['vertex/claude-sonnet-4@20250514@5#3', 'vertex', 'claude-sonnet-4@20250514', 5, 3],
    ['vertex/claude-opus-4@20250514#2', 'vertex', 'claude-opus-4@20250514', 1, 2],
    ['hub/model@latest@1', 'hub', 'model@latest', 1, 1],
    ['hub/model@latest@3#2', 'hub', 'model@latest', 3, 2],
    ['vertex/text-bison@001@1', 'vertex', 'text-bison@001', 1, 1],
    ['hub/model@2@5', 'hub', 'model@2', 5, 1],
    ['hub/model#high@1#1', 'hub', 'model#high', 1, 1],
    ['workers/@cf/meta/llama-3-8b', 'workers', '@cf/meta/llama-3-8b', 1, 1],
    ['workers/@cf/meta/llama-3-8b@4', 'workers', '@cf/meta/llama-3-8b', 4, 1],
  ])('%s', (text, provider, model, weight, priority) => {
    expect(parseTarget(text)).toEqual({ provider, model, weight, priority })
  })

  test.each([
    '',
    'gpt-5',
    '/gpt-5',
    'openai/',
    'openai/@3',
    'openai/#2',
    'openai/m@0',
    'openai/m@1.5',
    'openai/m@-1',
    'openai/m#0',
    'openai/m#1000',
    'openai/m#2@3',
    'openai/m@1000000',
    'openai/m@heavy',
    'openai/m@latest',
    'openai/m@latest#2',
    'openai/m@3x',
    'openai/m@',
    'openai/m@001',
    'openai/m#high',
    'openai/m#',
    'openai/m#2.5',
    'openai/a b',
    'openai/m\n',
  ])('%j is refused with the form that is right', (text) => {
    expect(() => parseTarget(text)).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        message: expect.stringContaining('provider/model[@weight][#priority]'),
      }),
    )
  })

  test('an end that may be a weight or a part of the name says how to write either', () => {
    expect(() => parseTarget('vertex/claude-opus-4@default#2')).toThrow(
      /"@default" is no weight.*write a weight behind it: vertex\/claude-opus-4@default@1\./,
    )
  })

  test('whatever is written out is read back as the same target', () => {
    const end = fc.constantFrom('', '@latest', '@3', '@20250514', '#2', '#high', '@', '@cf/x', '@1#1', '#1@1')
    const target = fc.record({
      provider: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
      model: fc.tuple(fc.stringMatching(/^[!-~]{1,40}$/), end).map((parts) => parts.join('')),
      weight: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: maxWeight })),
      priority: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: maxPriority })),
    })
    fc.assert(
      fc.property(target, (one) => {
        expect(parseTarget(formatTarget(one))).toEqual(one)
      }),
      { numRuns: 1000 },
    )
  })

  test('provider, model, weight and priority come back for any name of a model', () => {
    const target = fc.record({
      provider: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
      model: fc.stringMatching(/^[A-Za-z0-9._:/-]{1,40}$/),
      weight: fc.integer({ min: 1, max: maxWeight }),
      priority: fc.integer({ min: 1, max: maxPriority }),
    })
    fc.assert(
      fc.property(target, (one) => {
        expect(parseTarget(`${one.provider}/${one.model}@${one.weight}#${one.priority}`)).toEqual(one)
        expect(parseTarget(`${one.provider}/${one.model}`)).toEqual({ ...one, weight: 1, priority: 1 })
      }),
    )
  })
})
