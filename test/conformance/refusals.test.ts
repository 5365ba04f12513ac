import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/core/kernel/errors.ts'
import { anthropicMessages } from '../../src/core/protocols/anthropic-messages/index.ts'
import type { JsonObject } from '../../src/core/protocols/neutral/index.ts'
import { openaiChat } from '../../src/core/protocols/openai-chat/index.ts'
import type { Protocol } from '../../src/core/protocols/protocol.ts'

/** What one protocol can say and the other cannot must be told before anything is sent: refused with its place, or named among what was dropped. */
const cross = (client: Protocol, provider: Protocol, body: JsonObject) =>
  provider.encodeRequest(client.decodeRequest(body), { model: 'real', defaultMaxTokens: 4096 })

const refusal = (run: () => unknown): { code: string; param: string | undefined } => {
  try {
    run()
  } catch (error) {
    if (error instanceof GatewayError && error.status === 400) return { code: error.code, param: error.details.param }
    throw error
  }
  throw new Error('it was not refused')
}

const user = { role: 'user', content: 'hi' }
const call = (id: string, text = '{}') => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id, type: 'function', function: { name: 'now', arguments: text } }],
})
const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: '12:00' })
const now = { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } }
const chat = (more: JsonObject): JsonObject => ({ model: 'm', messages: [user], ...more })
const parts = (...content: JsonObject[]): JsonObject => ({ messages: [{ role: 'user', content }] })

describe('a Chat client and a model behind the Messages API', () => {
  test.each<[string, JsonObject, string]>([
    ['several answers', { n: 2 }, 'n'],
    ['log probabilities', { logprobs: true }, 'logprobs'],
    ['biased tokens', { logit_bias: { 50256: -100 } }, 'logit_bias'],
    ['predicted output', { prediction: { type: 'content', content: 'x' } }, 'prediction'],
    ['audio out', { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }, 'modalities'],
    ['a promise to moderate', { moderation: { model: 'm', policy: { input: { mode: 'block' } } } }, 'moderation'],
    ['JSON without a schema', { response_format: { type: 'json_object' } }, 'response_format'],
    ['functions from before tools', { functions: [{ name: 'now' }] }, 'functions'],
    [
      'audio in',
      parts({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }),
      'messages[0].content[0]',
    ],
    ['a file of another account', parts({ type: 'file', file: { file_id: 'file-1' } }), 'messages[0].content[0]'],
    ['a part nobody knows', parts({ type: 'text', text: 'a' }, { type: 'hologram' }), 'messages[0].content[1]'],
    [
      'an image of a type that is not taken',
      parts({ type: 'image_url', image_url: { url: 'data:image/tiff;base64,AAAA' } }),
      'messages[0].content[0]',
    ],
    ['a tool with a grammar', { tools: [{ type: 'custom', custom: { name: 'x' } }] }, 'tools[0]'],
    [
      'a choice of a tool that is not there',
      { tools: [now], tool_choice: { type: 'function', function: { name: 'never' } } },
      'tool_choice.function.name',
    ],
    ['a result without a call', { messages: [user, result('call_1')] }, 'messages[1]'],
    ['a call without a result', { messages: [user, call('call_1'), user] }, 'messages[1].tool_calls[0]'],
    [
      'two results of one call',
      { messages: [user, call('call_1'), result('call_1'), result('call_1')] },
      'messages[3]',
    ],
    [
      'arguments that are no object',
      { messages: [user, call('call_1', '[1]'), result('call_1')] },
      'messages[1].tool_calls[0]',
    ],
    [
      'arguments that are no JSON',
      { messages: [user, call('call_1', '{"a":'), result('call_1')] },
      'messages[1].tool_calls[0]',
    ],
    ['a conversation the assistant begins', { messages: [{ role: 'assistant', content: 'hi' }, user] }, 'messages[0]'],
    [
      'an audio answer known by its id alone',
      { messages: [user, { role: 'assistant', audio: { id: 'audio_1' } }, user] },
      'messages[1].audio',
    ],
  ])('refuses %s', (_what, more, param) => {
    const told = refusal(() => cross(openaiChat, anthropicMessages, chat(more)))
    expect(told.param).toBe(param)
  })

  test.each<[string, JsonObject, string]>([
    ['no messages', { messages: [] }, 'messages'],
    ['only system text', { messages: [{ role: 'system', content: 'be kind' }] }, 'messages'],
    ['a role nobody has', { messages: [{ role: 'narrator', content: 'x' }] }, 'messages[0].role'],
    ['two different limits', { max_tokens: 1, max_completion_tokens: 2 }, 'max_tokens'],
    ['a limit of nothing', { max_tokens: 0 }, 'max_tokens'],
    ['options of a stream without a stream', { stream_options: { include_usage: true } }, 'stream_options'],
    ['a tool choice nobody knows', { tools: [now], tool_choice: 'sometimes' }, 'tool_choice'],
    ['a temperature out of range', { temperature: 3 }, 'temperature'],
    ['top_logprobs out of range', { logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    ['a message that is a string', { messages: ['hi'] }, 'messages[0]'],
    ['content that is a number', { messages: [{ role: 'user', content: 1 }] }, 'messages[0].content'],
    ['a user without content', { messages: [{ role: 'user' }] }, 'messages[0].content'],
    [
      'base64 that is none',
      parts({ type: 'image_url', image_url: { url: 'data:image/png;base64,???' } }),
      'messages[0].content[0].image_url.url',
    ],
    ['n of nothing', { n: 0 }, 'n'],
  ])('is told about %s whatever the provider speaks', (_what, more, param) => {
    for (const provider of [openaiChat, anthropicMessages])
      expect(refusal(() => cross(openaiChat, provider, chat(more))).param).toBe(param)
  })

  test('never pays for log probabilities that would be lost in a repaired answer', () => {
    const told = refusal(() => cross(openaiChat, openaiChat, chat({ logprobs: true, top_logprobs: 2 })))
    expect(told).toEqual({ code: 'unsupported_parameter', param: 'logprobs' })
    expect(cross(openaiChat, openaiChat, chat({ logprobs: false })).body).not.toHaveProperty('logprobs')
  })

  test('everything that is only a hint is dropped and named', () => {
    const { warnings } = cross(
      openaiChat,
      anthropicMessages,
      chat({
        max_tokens: 10,
        seed: 1,
        presence_penalty: 1,
        frequency_penalty: 1,
        verbosity: 'low',
        store: true,
        prompt_cache_key: 'k',
        metadata: { a: 'b' },
        something_new: 1,
        messages: [{ role: 'user', content: 'hi', name: 'Ada' }, { role: 'assistant', content: 'yo' }, user],
      }),
    )
    expect(warnings.map(({ path }) => path).toSorted()).toEqual([
      'frequency_penalty',
      'messages[0].name',
      'metadata',
      'presence_penalty',
      'prompt_cache_key',
      'seed',
      'something_new',
      'store',
      'verbosity',
    ])
  })
})

const messages = (more: JsonObject): JsonObject => ({ model: 'm', max_tokens: 100, messages: [user], ...more })
const tool = { name: 'now', input_schema: { type: 'object', properties: {} } }
const use = (id: string) => ({ role: 'assistant', content: [{ type: 'tool_use', id, name: 'now', input: {} }] })
const answered = (id: string, content: unknown = 'x') =>
  ({ role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content }] }) as JsonObject

describe('a Messages client and a model behind Chat Completions', () => {
  test.each<[string, JsonObject, string]>([
    ['a container', { container: 'c_1' }, 'container'],
    ['servers of tools', { mcp_servers: [{ type: 'url', url: 'https://x', name: 'x' }] }, 'mcp_servers'],
    ['managed context', { context_management: { edits: [{ type: 'clear' }] } }, 'context_management'],
    ['other models to fall back to', { fallbacks: [{ model: 'x' }] }, 'fallbacks'],
    ['where it is computed', { inference_geo: 'eu' }, 'inference_geo'],
    ['no tokens', { max_tokens: 0 }, 'max_tokens'],
    ['more than four stops', { stop_sequences: ['a', 'b', 'c', 'd', 'e'] }, 'stop_sequences'],
    ['a tool of the provider', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools[0]'],
    ['a tool name that is too long', { tools: [{ ...tool, name: 'x'.repeat(65) }] }, 'tools[0].name'],
    ['an answer that is begun', { messages: [user, { role: 'assistant', content: '{' }] }, 'messages[1]'],
    [
      'a file of another account',
      { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'f' } }] }] },
      'messages[0].content[0]',
    ],
    [
      'a document by address',
      {
        messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'https://x/y.pdf' } }] }],
      },
      'messages[0].content[0]',
    ],
    [
      'a document to be cited',
      {
        messages: [
          {
            role: 'user',
            content: [
              {
                type: 'document',
                source: { type: 'text', media_type: 'text/plain', data: 'x' },
                citations: { enabled: true },
              },
            ],
          },
        ],
      },
      'messages[0].content[0].citations',
    ],
    [
      'what a tool of the provider did',
      {
        messages: [
          user,
          {
            role: 'assistant',
            content: [{ type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }],
          },
          user,
        ],
      },
      'messages[1].content[0]',
    ],
  ])('refuses %s', (_what, more, param) => {
    expect(refusal(() => cross(anthropicMessages, openaiChat, messages(more)))).toEqual({
      code: 'unsupported_parameter',
      param,
    })
  })

  test('everything that is only a hint is dropped and named', () => {
    const { body, warnings } = cross(
      anthropicMessages,
      openaiChat,
      messages({
        top_k: 5,
        thinking: { type: 'disabled' },
        something_new: 1,
        tools: [{ ...tool, cache_control: { type: 'ephemeral' } }],
        system: [{ type: 'text', text: 'be kind', cache_control: { type: 'ephemeral' } }],
        messages: [
          user,
          {
            role: 'assistant',
            content: [{ type: 'thinking', thinking: 'hm', signature: 'sealed' }, ...use('toolu_1').content],
          },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'no', is_error: true }] },
        ],
      }),
    )
    expect(warnings.map(({ path }) => path).toSorted()).toEqual([
      'messages[1].content[0]',
      'messages[2].content[0].is_error',
      'something_new',
      'system[0].cache_control',
      'thinking',
      'tools[0].cache_control',
      'top_k',
    ])
    expect(JSON.stringify(body)).not.toMatch(/cache_control|sealed|top_k|something_new|reasoning_effort/)
  })

  test('results stand right behind their calls, whatever else was said in between', () => {
    const both = { role: 'assistant', content: [...use('a').content, ...use('b').content] }
    const { body } = cross(
      anthropicMessages,
      openaiChat,
      messages({
        tools: [tool],
        messages: [
          user,
          both,
          { role: 'user', content: [...(answered('a')['content'] as []), { type: 'text', text: 'and' }] },
          answered('b'),
        ],
      }),
    )
    expect((body['messages'] as JsonObject[]).map(({ role, tool_call_id }) => tool_call_id ?? role)).toEqual([
      'user',
      'assistant',
      'a',
      'b',
      'user',
    ])
  })

  test('pictures in results follow under the id of their call', () => {
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }
    const { body } = cross(
      anthropicMessages,
      openaiChat,
      messages({
        tools: [tool],
        messages: [user, use('toolu_1'), answered('toolu_1', [{ type: 'text', text: 'see' }, picture])],
      }),
    )
    expect((body['messages'] as JsonObject[]).slice(2)).toEqual([
      { role: 'tool', tool_call_id: 'toolu_1', content: 'see' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Result of toolu_1:' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
    ])
  })

  test.each([
    [1024, 'minimal'],
    [4096, 'low'],
    [4097, 'medium'],
    [12_289, 'high'],
    [20_481, 'xhigh'],
    [28_673, 'max'],
  ])('a budget of %i tokens for thinking is the effort %s', (budget, effort) => {
    const thinking = { type: 'enabled', budget_tokens: budget }
    expect(
      cross(anthropicMessages, openaiChat, messages({ max_tokens: 64_000, thinking })).body['reasoning_effort'],
    ).toBe(effort)
  })

  test('an id of a user that is too long is sent as its hash', () => {
    const send = (id: string) => cross(anthropicMessages, openaiChat, messages({ metadata: { user_id: id } }))
    expect(send('x'.repeat(64)).body['user']).toBe('x'.repeat(64))
    expect(send('x'.repeat(65)).body['user']).toMatch(/^[0-9a-f]{64}$/)
    expect(send('x'.repeat(65)).warnings).toMatchObject([{ path: 'metadata.user_id', action: 'changed' }])
  })
})
