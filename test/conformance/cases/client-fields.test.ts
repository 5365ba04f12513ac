import { describe, expect, test } from 'vitest'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { providerKinds } from '../../../src/core/provider-kinds/index.ts'
import { sent } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: what clients say beside the conversation. */

describe('case 50: the limit on output has the name that the server knows', () => {
  test('case 50: max_tokens for Ollama, whoever asks', () => {
    const ollama = { provider: 'openai-chat', kind: 'ollama' } as const
    const asks: [ProtocolId, JsonObject][] = [
      ['anthropic-messages', { max_tokens: 77 }],
      ['openai-responses', { max_output_tokens: 77 }],
      ['gemini', { generationConfig: { maxOutputTokens: 77 } }],
    ]
    for (const [client, ask] of asks) {
      const { body } = sent({ client, ...ollama, ask })
      expect(body['max_tokens'], client).toBe(77)
      expect(body).not.toHaveProperty('max_completion_tokens')
    }
  })

  test('case 50: and max_completion_tokens for OpenAI', () => {
    const { body } = sent({
      client: 'anthropic-messages',
      provider: 'openai-chat',
      kind: 'openai',
      ask: { max_tokens: 77 },
    })
    expect(body['max_completion_tokens']).toBe(77)
    expect(body).not.toHaveProperty('max_tokens')
  })
})

describe('case 51: what a vendor’s client says of itself', () => {
  const system = [
    { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.0; cc_entrypoint=cli;' },
    { type: 'text', text: 'Be brief.' },
  ]
  test.each(['openai-chat', 'openai-responses', 'gemini', 'bedrock-converse'] as const)(
    'case 51: is no prompt for a model behind %s',
    (provider) => {
      const text = JSON.stringify(sent({ client: 'anthropic-messages', provider, ask: { system } }).body)
      expect(text).toContain('Be brief.')
      expect(text).not.toContain('billing')
    },
  )

  test('case 51: passes in no header that is not on the list of its provider', () => {
    for (const { id, forwardHeaders } of providerKinds)
      for (const name of [
        'cookie',
        'authorization',
        'x-api-key',
        'x-app',
        'user-agent',
        'openai-organization',
        'x-goog-user-project',
      ])
        expect(forwardHeaders, id).not.toContain(name)
  })
})
