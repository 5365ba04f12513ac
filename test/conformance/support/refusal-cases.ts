import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'

type Said = { readonly [protocol in ProtocolId]?: JsonObject }

/** Part 15 of the protocols reference: what must be a clear 400 before any call, in the words of each client that can say it. */
interface Case {
  readonly what: string
  readonly said: Said
  /** Providers' protocols that can say it too. */
  readonly sayable: readonly ProtocolId[]
}

const user = (...content: JsonObject[]): Said => ({
  'openai-chat': { messages: [{ role: 'user', content }] },
  'anthropic-messages': { messages: [{ role: 'user', content }] },
  'openai-responses': { input: [{ type: 'message', role: 'user', content }] },
  gemini: { contents: [{ role: 'user', parts: content }] },
})
const only = (said: Said, ...protocols: readonly ProtocolId[]): Said =>
  Object.fromEntries(Object.entries(said).filter(([protocol]) => protocols.includes(protocol as ProtocolId)))
const file = 'file_0123456789'
const everyone: readonly ProtocolId[] = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'bedrock-converse',
]
const but = (...protocols: readonly ProtocolId[]) => everyone.filter((id) => !protocols.includes(id))

const fiveStops = ['a', 'b', 'c', 'd', 'e']
const grammar = { type: 'grammar', syntax: 'regex', definition: '[a-z]+' }
const odd = (id: string): JsonObject => ({ id, type: 'function', function: { name: 'now', arguments: '[1]' } })

export const refusalCases: readonly Case[] = [
  {
    what: 'several answers',
    said: { 'openai-chat': { n: 2 }, gemini: { generationConfig: { candidateCount: 2 } } },
    sayable: ['openai-chat', 'gemini'],
  },
  {
    what: 'log probabilities',
    said: {
      'openai-chat': { logprobs: true },
      'openai-responses': { top_logprobs: 2, include: ['message.output_text.logprobs'] },
      gemini: { generationConfig: { responseLogprobs: true } },
    },
    sayable: [],
  },
  { what: 'biased tokens', said: { 'openai-chat': { logit_bias: { '1': -100 } } }, sayable: [] },
  { what: 'predicted output', said: { 'openai-chat': { prediction: { type: 'content', content: 'x' } } }, sayable: [] },
  {
    what: 'recordings of sound',
    said: {
      ...only(user({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }), 'openai-chat'),
      ...only(user({ inlineData: { mimeType: 'audio/wav', data: 'AAAA' } }), 'gemini'),
    },
    sayable: ['openai-chat', 'gemini'],
  },
  { what: 'video', said: only(user({ inlineData: { mimeType: 'video/mp4', data: 'AAAA' } }), 'gemini'), sayable: [] },
  {
    what: 'files that another provider keeps',
    said: {
      ...only(user({ type: 'document', source: { type: 'file', file_id: file } }), 'anthropic-messages'),
      ...only(
        user({
          fileData: {
            fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/a',
            mimeType: 'application/pdf',
          },
        }),
        'gemini',
      ),
    },
    sayable: [],
  },
  {
    what: 'tools that only one provider runs',
    said: {
      'anthropic-messages': { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] },
      'openai-responses': { tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] },
      gemini: { tools: [{ codeExecution: {} }] },
    },
    sayable: [],
  },
  {
    what: 'a grammar for the input of a tool',
    said: {
      'openai-chat': { tools: [{ type: 'custom', custom: { name: 'now', format: { type: 'grammar', grammar } } }] },
      'openai-responses': { tools: [{ type: 'custom', name: 'now', format: grammar }] },
    },
    sayable: ['openai-responses'],
  },
  {
    what: 'an answer kept by the provider',
    said: { 'openai-responses': { previous_response_id: 'resp_1' } },
    sayable: [],
  },
  {
    what: 'a conversation kept by the provider',
    said: { 'openai-responses': { conversation: 'conv_1' } },
    sayable: [],
  },
  { what: 'work in the background', said: { 'openai-responses': { background: true } }, sayable: [] },
  {
    what: 'items kept by the provider',
    said: { 'openai-responses': { input: [{ type: 'item_reference', id: 'rs_1' }] } },
    sayable: [],
  },
  {
    what: 'contents cached by the provider',
    said: { gemini: { cachedContent: 'cachedContents/1' } },
    sayable: [],
  },
  { what: 'a container', said: { 'anthropic-messages': { container: 'c_1' } }, sayable: [] },
  {
    what: 'servers of tools',
    said: { 'anthropic-messages': { mcp_servers: [{ type: 'url', url: 'https://example.com', name: 'x' }] } },
    sayable: [],
  },
  {
    what: 'edits of the context',
    said: { 'anthropic-messages': { context_management: { edits: [{ type: 'clear_thinking_20251015' }] } } },
    sayable: [],
  },
  {
    what: 'JSON without a schema',
    said: {
      'openai-chat': { response_format: { type: 'json_object' } },
      'openai-responses': { text: { format: { type: 'json_object' } } },
      gemini: { generationConfig: { responseMimeType: 'application/json' } },
    },
    sayable: but('anthropic-messages', 'bedrock-converse'),
  },
  {
    what: 'a text to stop at',
    said: {
      'openai-chat': { stop: ['END'] },
      'anthropic-messages': { stop_sequences: ['END'] },
      gemini: { generationConfig: { stopSequences: ['END'] } },
    },
    sayable: but('openai-responses'),
  },
  {
    what: 'five texts to stop at',
    said: {
      'anthropic-messages': { stop_sequences: fiveStops },
      gemini: { generationConfig: { stopSequences: fiveStops } },
    },
    sayable: ['anthropic-messages', 'gemini', 'bedrock-converse'],
  },
  {
    what: 'a forced tool together with a budget for thinking',
    said: {
      gemini: {
        generationConfig: { maxOutputTokens: 5000, thinkingConfig: { thinkingBudget: 2048 } },
        tools: [{ functionDeclarations: [{ name: 'now' }] }],
        toolConfig: { functionCallingConfig: { mode: 'ANY' } },
      },
    },
    sayable: but('anthropic-messages'),
  },
  {
    what: 'a result without its call',
    said: {
      'openai-chat': { messages: [{ role: 'tool', tool_call_id: 'call_1', content: 'x' }] },
      'anthropic-messages': {
        messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'x' }] }],
      },
      'openai-responses': { input: [{ type: 'function_call_output', call_id: 'call_1', output: 'x' }] },
      gemini: { contents: [{ role: 'user', parts: [{ functionResponse: { name: 'now', response: { output: 1 } } }] }] },
    },
    sayable: [],
  },
  {
    what: 'a forced tool that is not there',
    said: {
      'openai-chat': {
        tools: [{ type: 'function', function: { name: 'now' } }],
        tool_choice: { type: 'function', function: { name: 'then' } },
      },
      'anthropic-messages': {
        tools: [{ name: 'now', input_schema: { type: 'object' } }],
        tool_choice: { type: 'tool', name: 'then' },
      },
      'openai-responses': {
        tools: [{ type: 'function', name: 'now', parameters: {}, strict: false }],
        tool_choice: { type: 'function', name: 'then' },
      },
      gemini: {
        tools: [{ functionDeclarations: [{ name: 'now' }] }],
        toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['then'] } },
      },
    },
    sayable: [],
  },
  {
    what: 'arguments in the history that are no object',
    said: {
      'openai-chat': {
        messages: [
          { role: 'user', content: 'hi' },
          { role: 'assistant', tool_calls: [odd('call_1')] },
          { role: 'tool', tool_call_id: 'call_1', content: 'x' },
        ],
      },
      'openai-responses': {
        input: [
          { type: 'message', role: 'user', content: 'hi' },
          { type: 'function_call', call_id: 'call_1', name: 'now', arguments: '[1]' },
          { type: 'function_call_output', call_id: 'call_1', output: 'x' },
        ],
      },
    },
    sayable: ['openai-chat', 'openai-responses'],
  },
  { what: 'an unknown kind of content', said: user({ type: 'hologram', hologram: 'x' }), sayable: [] },
  {
    what: 'an unknown item',
    said: { 'openai-responses': { input: [{ type: 'hologram', id: 'x' }] } },
    sayable: [],
  },
  {
    what: 'an unknown word for a choice',
    said: {
      'openai-chat': { tool_choice: 'sometimes', tools: [{ type: 'function', function: { name: 'now' } }] },
      'anthropic-messages': {
        tool_choice: { type: 'sometimes' },
        tools: [{ name: 'now', input_schema: { type: 'object' } }],
      },
      'openai-responses': { tool_choice: 'sometimes' },
      gemini: { toolConfig: { functionCallingConfig: { mode: 'SOMETIMES' } } },
    },
    sayable: [],
  },
  { what: 'no tokens at all', said: { 'anthropic-messages': { max_tokens: 0 } }, sayable: [] },
  { what: 'two limits that differ', said: { 'openai-chat': { max_tokens: 1, max_completion_tokens: 2 } }, sayable: [] },
  {
    what: 'options of a stream without one',
    said: { 'openai-chat': { stream_options: { include_usage: true } } },
    sayable: [],
  },
  {
    what: 'nothing said',
    said: {
      'openai-chat': { messages: [] },
      'anthropic-messages': { messages: [] },
      'openai-responses': { input: [] },
      gemini: { contents: [] },
    },
    sayable: [],
  },
  {
    what: 'sound as the answer',
    said: {
      'openai-chat': { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } },
      gemini: { generationConfig: { responseModalities: ['AUDIO'] } },
    },
    sayable: [],
  },
  {
    what: 'a promise to moderate',
    said: { 'openai-chat': { moderation: { model: 'm', policy: { input: { mode: 'block' } } } } },
    sayable: ['openai-responses'],
  },
  {
    what: 'citations of documents',
    said: only(
      user({
        type: 'document',
        source: { type: 'text', media_type: 'text/plain', data: 'x' },
        citations: { enabled: true },
      }),
      'anthropic-messages',
    ),
    sayable: [],
  },
]

/** The same clients ask for nothing special. */
export const plainRequests: Said = {
  'openai-chat': { model: 'shadow', messages: [{ role: 'user', content: 'hi' }] },
  'anthropic-messages': { model: 'shadow', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] },
  'openai-responses': { model: 'shadow', input: 'hi', store: false },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
}
