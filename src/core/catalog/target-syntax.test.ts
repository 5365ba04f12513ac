import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxPriority, maxWeight, parseTarget } from './target-syntax.ts'

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
    ['hub/model@latest', 'hub', 'model@latest', 1, 1],
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
