import { describe, expect, test } from 'vitest'
import type { NeutralRequest } from '../neutral/index.ts'
import { encodeReasoning } from './encode-reasoning.ts'
import { Warnings } from './refusals.ts'
import { howItThinks } from './thinking-models.ts'

const asked: NeutralRequest = {
  protocol: 'openai-responses',
  model: 'shadow',
  stream: false,
  includeUsage: false,
  system: [],
  messages: [],
  tools: [],
  maxTokens: 40_000,
}

const encode = (model: string, fields: Partial<NeutralRequest>, maxTokens = 40_000) => {
  const warnings = new Warnings('openai-responses')
  const sent = encodeReasoning({ ...asked, ...fields }, model, maxTokens, warnings)
  return { sent, told: warnings.list.map(({ path, action }) => `${action} ${path}`) }
}

test.each([
  ['claude-2.1', 'never'],
  ['claude-instant-1.2', 'never'],
  ['claude-3-opus-20240229', 'never'],
  ['claude-3-5-haiku-latest', 'never'],
  ['claude-3-7-sonnet-20250219', 'budget'],
  ['claude-sonnet-4-20250514', 'budget'],
  ['claude-opus-4-1-20250805', 'budget'],
  ['us.anthropic.claude-opus-4-5-20251101-v1:0', 'budget'],
  ['anthropic/claude-sonnet-4.5', 'budget'],
  ['claude-haiku-4-5@20251001', 'budget'],
  ['claude-opus-4-6', 'adaptive'],
  ['claude-sonnet-4-6-20260201', 'adaptive'],
  ['claude-sonnet-5', 'adaptive'],
  ['claude-opus-10-2', 'adaptive'],
  ['my-model', 'adaptive'],
])('%s thinks: %s', (model, thinks) => {
  expect(howItThinks(model)).toBe(thinks)
})

describe('a model that knows only budgets', () => {
  const model = 'claude-sonnet-4-5'

  test.each([
    ['minimal', 1024],
    ['low', 2048],
    ['medium', 8192],
    ['high', 16_384],
    ['xhigh', 24_576],
    ['max', 32_000],
  ] as const)('gets effort %s as a budget of %d', (effort, budget_tokens) => {
    expect(encode(model, { reasoning: { effort } })).toEqual({
      sent: { thinking: { type: 'enabled', budget_tokens } },
      told: [],
    })
  })

  test('does not think because a summary is wanted, and shows one where it thinks', () => {
    expect(encode(model, { reasoning: { display: 'summarized' } }).sent).toEqual({})
    expect(encode(model, { reasoning: { display: 'summarized', effort: 'low' } }).sent).toEqual({
      thinking: { type: 'enabled', budget_tokens: 2048, display: 'summarized' },
    })
  })

  test('thinks within the limit of the client, and within half of a limit that the client did not set', () => {
    const effort = { reasoning: { effort: 'high' } } as const
    expect(encode(model, { ...effort, maxTokens: 5000 }, 5000)).toEqual({
      sent: { thinking: { type: 'enabled', budget_tokens: 4999 } },
      told: ['changed reasoning.effort'],
    })
    const { maxTokens: _, ...unlimited } = asked
    const warnings = new Warnings('openai-responses')
    expect(encodeReasoning({ ...unlimited, ...effort }, model, 16_384, warnings)).toEqual({
      thinking: { type: 'enabled', budget_tokens: 8192 },
    })
    expect(warnings.list).toMatchObject([{ path: 'reasoning.effort', action: 'changed' }])
    expect(encode(model, { ...effort, maxTokens: 500 }, 500)).toEqual({
      sent: { thinking: { type: 'disabled' } },
      told: ['dropped reasoning.effort'],
    })
  })

  test('answers a forced tool without thinking', () => {
    const { sent, told } = encode(model, { reasoning: { effort: 'low' }, toolChoice: { mode: 'required' } })
    expect(sent).toEqual({})
    expect(told).toEqual(['dropped reasoning.effort'])
  })

  test('gets what its own client wrote', () => {
    const fields = { protocol: 'anthropic-messages', reasoning: { effort: 'low', mode: 'adaptive' } } as const
    expect(encode(model, fields).sent).toEqual({ thinking: { type: 'adaptive' }, output_config: { effort: 'low' } })
  })
})

test('a model that cannot think is not asked to', () => {
  const model = 'claude-3-5-haiku-latest'
  expect(encode(model, { reasoning: { effort: 'low' } })).toEqual({ sent: {}, told: ['dropped reasoning.effort'] })
  expect(encode(model, { reasoning: { effort: 'none' } })).toEqual({ sent: {}, told: [] })
  expect(encode(model, { reasoning: { display: 'summarized' } })).toEqual({ sent: {}, told: [] })
})
