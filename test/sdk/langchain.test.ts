import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { HumanMessage, ToolMessage, type UsageMetadata } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatGoogleGenerativeAI } from '@langchain/google-genai'
import { ChatOpenAI } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { modelOver, providerProtocols, question, type SimScene, startSimScene, weather } from './sim-scene.ts'

let scene: SimScene
let models: Record<string, (model: string) => BaseChatModel>

beforeAll(async () => {
  scene = await startSimScene()
  const { gateway, key: apiKey } = scene
  const configuration = { baseURL: `${gateway.url}/v1` }
  models = {
    'ChatOpenAI (Chat)': (model) => new ChatOpenAI({ model, apiKey, configuration, maxRetries: 0 }),
    'ChatOpenAI (Responses)': (model) =>
      new ChatOpenAI({ model, apiKey, configuration, maxRetries: 0, useResponsesApi: true }),
    ChatAnthropic: (model) =>
      new ChatAnthropic({ model, apiKey, anthropicApiUrl: gateway.url, maxTokens: 500, maxRetries: 0 }),
    ChatGoogleGenerativeAI: (model) =>
      new ChatGoogleGenerativeAI({ model, apiKey, baseUrl: gateway.url, maxRetries: 0 }),
  }
}, 60_000)
afterAll(() => scene?.close())

const getWeather = tool(({ city }: { city: string }) => `Sunny in ${city}, 21 °C`, {
  name: weather.name,
  description: weather.description,
  schema: weather.schema,
})

describe.each(['ChatOpenAI (Chat)', 'ChatOpenAI (Responses)', 'ChatAnthropic', 'ChatGoogleGenerativeAI'])(
  'LangChain, %s',
  (name) => {
    describe.each(providerProtocols)('→ %s', (protocol) => {
      const model = (variant: Parameters<typeof modelOver>[1] = 'plain'): BaseChatModel =>
        models[name]!(modelOver(protocol, variant))

      test('a whole answer, and the same streamed, with its usage', async () => {
        const whole = await model().invoke('Say hello to Ada.')
        expect(whole.text).toContain('Ada')
        let text = ''
        for await (const chunk of await model().stream('Say hello to Ada.')) text += chunk.text
        expect(text).toBe(whole.text)
        const usage = (whole as unknown as { usage_metadata?: UsageMetadata }).usage_metadata
        expect(usage?.total_tokens).toBe((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0))
      })

      test('a tool call and its result', async () => {
        const asking = model('tools').bindTools!([getWeather])
        const first = await asking.invoke(question)
        const call = first.tool_calls![0]!
        expect(call).toMatchObject({ name: weather.name, args: { city: expect.any(String) as string } })
        const second = await asking.invoke([
          new HumanMessage(question),
          first,
          new ToolMessage({ tool_call_id: call.id!, name: call.name, content: 'Sunny, 21 °C' }),
        ])
        expect(second.text).toContain('Sunny')
      })

      test('structured output', async () => {
        const answer = await model()
          .withStructuredOutput<{ city: string }>(weather.schema, { name: 'weather' })
          .invoke(question)
        expect(answer).toHaveProperty('city')
      })

      test('an error of the provider is thrown', async () => {
        await expect(model('limited').invoke('x')).rejects.toThrow()
      })
    })
  },
)
