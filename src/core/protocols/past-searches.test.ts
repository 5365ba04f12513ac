import { expect, test } from 'vitest'
import { anthropicMessages } from './anthropic-messages/index.ts'
import { openaiChat } from './openai-chat/index.ts'
import { openaiResponses } from './openai-responses/index.ts'
import { withoutPastSearches } from './past-searches.ts'

const options = { model: 'm', defaultMaxTokens: 10 }
const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } }
const responses = openaiResponses.decodeRequest({
  model: 'm',
  input: [{ role: 'user', content: 'a' }, search, { role: 'assistant', content: 'b' }, { role: 'user', content: 'c' }],
})
const messages = anthropicMessages.decodeRequest({
  model: 'm',
  max_tokens: 10,
  messages: [
    { role: 'user', content: 'a' },
    {
      role: 'assistant',
      content: [
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'q' } },
        { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] },
        { type: 'text', text: 'b' },
      ],
    },
    { role: 'user', content: 'c' },
  ],
})
const said = [
  { role: 'user', content: 'a' },
  { role: 'assistant', content: 'b' },
  { role: 'user', content: 'c' },
]

test('a conversation with searches in it goes on at another provider, which is told', () => {
  const toChat = withoutPastSearches(responses, 'openai-chat')
  expect(openaiChat.encodeRequest(toChat.request, options).body['messages']).toEqual(said)
  expect(toChat.warnings).toMatchObject([{ path: 'input[1]', action: 'dropped' }])
  const toResponses = withoutPastSearches(messages, 'openai-responses')
  expect(openaiResponses.encodeRequest(toResponses.request, options).body['input']).toEqual(said)
  expect(toResponses.warnings.map(({ path }) => path)).toEqual(['messages[1].content[0]', 'messages[1].content[1]'])
})

test('the provider that searched gets its own blocks back', () => {
  expect(withoutPastSearches(responses, 'openai-responses')).toEqual({ request: responses, warnings: [] })
  expect(withoutPastSearches(messages, 'anthropic-messages')).toEqual({ request: messages, warnings: [] })
})

test('other hosted calls are still refused: what they did is nowhere else', () => {
  const value = { type: 'code_interpreter_call', id: 'ci_1' }
  const ran = openaiResponses.decodeRequest({ model: 'm', input: [{ role: 'user', content: 'a' }, value] })
  const { request } = withoutPastSearches(ran, 'openai-chat')
  expect(() => openaiChat.encodeRequest(request, options)).toThrow(/input\[1\]/)
})
