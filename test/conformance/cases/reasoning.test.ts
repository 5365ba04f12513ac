import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/core/protocols/neutral/index.ts'
import { sent } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: how much a model shall think, and in which form it shall answer. */
const budget = { thinking: { type: 'enabled', budget_tokens: 10_000 }, max_tokens: 20_000 }

test('case 38: OpenRouter is told an effort or a number of tokens, never both', () => {
  const openrouter = { provider: 'openai-chat', kind: 'openrouter' } as const
  const bodies = [
    sent({ client: 'anthropic-messages', ...openrouter, ask: budget }).body,
    sent({ client: 'anthropic-messages', ...openrouter, ask: { ...budget, output_config: { effort: 'high' } } }).body,
    sent({ client: 'openai-responses', ...openrouter, ask: { reasoning: { effort: 'high' } } }).body,
    sent({
      client: 'gemini',
      ...openrouter,
      ask: { generationConfig: { thinkingConfig: { thinkingBudget: 8192 } } },
    }).body,
  ]
  for (const body of bodies) {
    const nested = (body['reasoning'] ?? {}) as JsonObject
    const said = [body['reasoning_effort'], nested['effort'], nested['max_tokens']].filter(
      (value) => value !== undefined,
    )
    expect(said).toHaveLength(1)
  }
})

test.each(['low', 'medium', 'high', 'xhigh', 'max'])('case 39: the effort %s is not lowered on the way', (effort) => {
  const claude = sent({ client: 'openai-chat', provider: 'anthropic-messages', ask: { reasoning_effort: effort } })
  expect(claude.body['output_config']).toMatchObject({ effort })
  expect(claude.warnings.filter(({ path }) => path === 'reasoning_effort')).toEqual([])
  const ask = { thinking: { type: 'adaptive' }, output_config: { effort } }
  expect(sent({ client: 'anthropic-messages', provider: 'openai-chat', ask }).body['reasoning_effort']).toBe(effort)
  expect(sent({ client: 'anthropic-messages', provider: 'openai-responses', ask }).body['reasoning']).toMatchObject({
    effort,
  })
  const responses = sent({ client: 'openai-responses', provider: 'anthropic-messages', ask: { reasoning: { effort } } })
  expect(responses.body['output_config']).toMatchObject({ effort })
})

test('case 39: a value that the other side has not becomes its nearest, by name', () => {
  const { body, warnings } = sent({
    client: 'openai-chat',
    provider: 'anthropic-messages',
    ask: { reasoning_effort: 'minimal' },
  })
  expect(body['output_config']).toMatchObject({ effort: 'low' })
  expect(warnings).toContainEqual(expect.objectContaining({ path: 'reasoning_effort', action: 'changed' }))
})

test('case 40: a budget for thinking stays below the limit on output', () => {
  const config = { maxOutputTokens: 4000, thinkingConfig: { thinkingBudget: 8192 } }
  const { body, warnings } = sent({
    client: 'gemini',
    provider: 'anthropic-messages',
    ask: { generationConfig: config },
  })
  expect(body['max_tokens']).toBe(4000)
  expect((body['thinking'] as { budget_tokens: number }).budget_tokens).toBeLessThan(4000)
  expect(warnings).toContainEqual(
    expect.objectContaining({ action: 'changed', path: 'generationConfig.thinkingConfig' }),
  )
})

test('case 40: a format for the answer forces no tool, and goes together with thinking', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }
  const { body } = sent({
    client: 'openai-chat',
    provider: 'anthropic-messages',
    ask: {
      reasoning_effort: 'high',
      response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } },
    },
  })
  expect(body['output_config']).toMatchObject({ format: { type: 'json_schema', schema }, effort: 'high' })
  expect(body).not.toHaveProperty('tool_choice')
  expect(body).not.toHaveProperty('tools')
})
