import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, isStepCount, jsonSchema, type LanguageModel, Output, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { modelOver, providerProtocols, question, type SimScene, startSimScene, weather } from './sim-scene.ts'

let scene: SimScene
let models: Record<string, (name: string) => LanguageModel>

beforeAll(async () => {
  scene = await startSimScene()
  const { gateway, key: apiKey } = scene
  const baseURL = `${gateway.url}/v1`
  const openai = createOpenAI({ baseURL, apiKey })
  models = {
    'openai (Responses)': (name) => openai(name),
    'openai (Chat)': (name) => openai.chat(name),
    'openai-compatible': createOpenAICompatible({
      name: 'gateway',
      baseURL,
      apiKey,
      includeUsage: true,
      supportsStructuredOutputs: true,
    }),
    anthropic: createAnthropic({ baseURL, apiKey }),
    google: createGoogleGenerativeAI({ baseURL: `${gateway.url}/v1beta`, apiKey }),
  }
}, 60_000)
afterAll(() => scene?.close())

const tools = {
  [weather.name]: tool({
    description: weather.description,
    inputSchema: jsonSchema<{ city: string }>(weather.schema),
    execute: ({ city }) => Promise.resolve(`Sunny in ${city}, 21 °C`),
  }),
}

describe.each(['openai (Responses)', 'openai (Chat)', 'openai-compatible', 'anthropic', 'google'])(
  'AI SDK, %s',
  (name) => {
    describe.each(providerProtocols)('→ %s', (protocol) => {
      const model = (variant: Parameters<typeof modelOver>[1] = 'plain'): LanguageModel =>
        models[name]!(modelOver(protocol, variant))

      test('a whole answer, and the same streamed', async () => {
        const ask = { model: model(), instructions: 'Be brief.', prompt: 'Say hello to Ada.', maxRetries: 0 }
        const whole = await generateText(ask)
        expect(whole.text).toContain('Ada')
        expect(whole.finishReason).toBe('stop')
        const streamed = streamText(ask)
        expect(await streamed.text).toBe(whole.text)
        expect((await streamed.usage).totalTokens).toBe(whole.usage.totalTokens)
      })

      test.each([false, true])('a tool is called, run, and answered, stream: %s', async (stream) => {
        const ask = { model: model('tools'), tools, prompt: question, stopWhen: isStepCount(3), maxRetries: 0 }
        const text = stream ? await streamText(ask).text : (await generateText(ask)).text
        expect(text).toContain('Sunny in')
      })

      test('structured output', async () => {
        const { output } = await generateText({
          model: model(),
          prompt: question,
          output: Output.object({ schema: jsonSchema<{ city: string }>(weather.schema) }),
          maxRetries: 0,
        })
        expect(output).toHaveProperty('city')
      })

      test('an error of the provider is an APICallError', async () => {
        const failing = generateText({ model: model('limited'), prompt: 'x', maxRetries: 0 })
        await expect(failing).rejects.toSatisfy((error) => APICallError.isInstance(error) && error.statusCode === 503)
      })

      test.each(['midway', 'cut'] as const)('a stream that breaks (%s) is never finished with stop', async (how) => {
        const streamed = streamText({ model: model(how), prompt: 'Say hello.', maxRetries: 0, onError: () => {} })
        let reason: string | undefined
        try {
          for await (const part of streamed.stream) if (part.type === 'finish') reason = part.finishReason
        } catch {
          reason = 'error'
        }
        expect(reason).not.toBe('stop')
      })
    })
  },
)
