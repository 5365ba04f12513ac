import { describe, expect, test } from 'vitest'
import { leastEffort } from './effort.ts'
import { protocols, providerProtocols } from './index.ts'
import type { JsonObject, ProtocolId } from './neutral/index.ts'

const cross = (from: ProtocolId, to: ProtocolId, body: JsonObject, model: string, maxTokens?: number) => {
  const client = protocols.find(({ id }) => id === from)!
  const provider = providerProtocols.find(({ id }) => id === to)!
  const request = client.decodeRequest(body, { model: 'm', stream: false })
  return provider.encodeRequest(request, {
    model,
    defaultMaxTokens: 1000,
    ...(maxTokens !== undefined && { maxTokens }),
  })
}

test.each([
  ['gpt-5.1', 'none'],
  ['openai/gpt-5.2', 'none'],
  ['gpt-5-mini', 'minimal'],
  ['gpt-5.1-codex', 'low'],
  ['o4-mini', 'low'],
  ['gpt-5-pro', undefined],
  ['gpt-5-chat-latest', undefined],
  ['gpt-4o', undefined],
  ['llama-4', undefined],
])('the least that %s can be told is %s', (model, effort) => {
  expect(leastEffort(model)).toBe(effort)
})

test('a search of the web needs more than the least', () => {
  expect(leastEffort('gpt-5', true)).toBe('low')
})

describe('thinking that a Gemini client switches off', () => {
  const body = {
    contents: [{ parts: [{ text: 'q' }] }],
    generationConfig: { thinkingConfig: { thinkingBudget: 0 } },
  }
  const path = 'generationConfig.thinkingConfig'
  test.each([
    ['gpt-5.1', 'none', []],
    ['gpt-5-mini', 'minimal', [{ path, action: 'changed' }]],
    ['gpt-4o', undefined, []],
    ['another', undefined, [{ path, action: 'dropped' }]],
  ])('for %s is %s', (model, effort, told) => {
    const chat = cross('gemini', 'openai-chat', body, model)
    expect(chat.body['reasoning_effort']).toBe(effort)
    expect(chat.warnings).toMatchObject(told)
    const responses = cross('gemini', 'openai-responses', body, model)
    expect(responses.body['reasoning']).toEqual(effort && { effort })
    expect(responses.warnings).toMatchObject(told)
  })
})

describe('a budget for a model of Gemini 2.5 leaves room for the answer', () => {
  const messages = [{ role: 'user', content: 'q' }]
  const asked = (max_completion_tokens: number, model = 'gemini-2.5-flash', reasoning_effort = 'high') => {
    const body = { model: 'm', messages, max_completion_tokens, reasoning_effort }
    const sent = cross('openai-chat', 'gemini', body, model)
    return { config: sent.body['generationConfig'], told: sent.warnings.map((warning) => warning.path) }
  }

  test('off where less than 1024 tokens are left for it, and named', () => {
    expect(asked(500)).toEqual({
      config: { maxOutputTokens: 500, thinkingConfig: { thinkingBudget: 0 } },
      told: ['reasoning_effort'],
    })
    expect(asked(500, 'gemini-2.5-pro')).toMatchObject({
      config: { thinkingConfig: { thinkingBudget: 128 } },
      told: ['reasoning_effort'],
    })
  })

  test('lowered, and named where it is another effort now', () => {
    expect(asked(5000)).toMatchObject({
      config: { thinkingConfig: { thinkingBudget: 4999 } },
      told: ['reasoning_effort'],
    })
    expect(asked(16_384)).toMatchObject({ config: { thinkingConfig: { thinkingBudget: 16_383 } }, told: [] })
    expect(asked(20_000)).toMatchObject({ config: { thinkingConfig: { thinkingBudget: 16_384 } }, told: [] })
  })

  test('half of a limit that the client did not set, and named where it is another effort now', () => {
    const sent = (reasoning_effort: string, maxTokens: number | undefined) => {
      const { body, warnings } = cross(
        'openai-chat',
        'gemini',
        { model: 'm', messages, reasoning_effort },
        'gemini-2.5-flash',
        maxTokens,
      )
      return { config: body['generationConfig'], told: warnings.map((warning) => warning.path) }
    }
    const high = { thinkingConfig: { thinkingBudget: 16_384 } }
    const half = { maxOutputTokens: 16_384, thinkingConfig: { thinkingBudget: 8192 } }
    expect(sent('high', 16_384)).toMatchObject({ config: half, told: ['reasoning_effort'] })
    expect(sent('medium', 16_384)).toMatchObject({ config: half, told: [] })
    expect(sent('high', undefined)).toMatchObject({ config: high, told: [] })
    expect(sent('high', 65_536)).toMatchObject({ config: high, told: [] })
  })
})
