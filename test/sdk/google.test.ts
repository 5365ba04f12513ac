import { GoogleGenAI } from '@google/genai'
import { GoogleGenAI as GoogleGenAI2 } from 'genai-sdk-2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { modelOver, providerProtocols, question, type SimScene, startSimScene, weather } from './sim-scene.ts'

let scene: SimScene
const clients: Record<string, GoogleGenAI> = {}

beforeAll(async () => {
  scene = await startSimScene()
  const options = { apiKey: scene.key, httpOptions: { baseUrl: scene.gateway.url } }
  clients['3.x'] = new GoogleGenAI(options)
  clients['2.x'] = new GoogleGenAI2(options) as unknown as GoogleGenAI
}, 60_000)
afterAll(() => scene?.close())

const tools = [
  {
    functionDeclarations: [
      { name: weather.name, description: weather.description, parametersJsonSchema: weather.schema },
    ],
  },
]

describe.each(['3.x', '2.x'])('@google/genai %s', (version) => {
  const google = (): GoogleGenAI => clients[version]!

  test('lists the models of the key', async () => {
    const names: string[] = []
    for await (const model of await google().models.list()) names.push(model.name ?? '')
    expect(names).toContain(`models/${modelOver('gemini')}`)
  })

  describe.each(providerProtocols)('→ %s', (protocol) => {
    const ask = {
      model: modelOver(protocol),
      contents: 'Say hello to Ada.',
      config: { systemInstruction: 'Be brief.' },
    }

    test('a whole answer, and the same streamed', async () => {
      const whole = await google().models.generateContent(ask)
      expect(whole.text).toContain('Ada')
      expect(whole.modelVersion).toBe(ask.model)
      expect(whole.candidates![0]!.finishReason).toBe('STOP')
      let text = ''
      let usage: unknown
      for await (const chunk of await google().models.generateContentStream(ask)) {
        text += chunk.text ?? ''
        usage = chunk.usageMetadata
      }
      expect(text).toBe(whole.text)
      expect(usage).toMatchObject({ totalTokenCount: whole.usageMetadata!.totalTokenCount! })
    })

    test.each([false, true])('a tool call and its result, stream: %s', async (stream) => {
      const asking = { model: modelOver(protocol, 'tools'), contents: question, config: { tools } }
      const parts = []
      if (stream) {
        for await (const chunk of await google().models.generateContentStream(asking))
          parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []))
      } else parts.push(...(await google().models.generateContent(asking)).candidates![0]!.content!.parts!)
      const call = parts.find((part) => part.functionCall)?.functionCall
      expect(call).toMatchObject({ name: weather.name, args: { city: expect.any(String) as string } })
      const second = await google().models.generateContent({
        ...asking,
        contents: [
          { role: 'user', parts: [{ text: question }] },
          { role: 'model', parts },
          {
            role: 'user',
            parts: [
              {
                functionResponse: {
                  ...(call?.id && { id: call.id }),
                  name: weather.name,
                  response: { output: 'Sunny, 21 °C' },
                },
              },
            ],
          },
        ],
      })
      expect(second.text).toContain('Sunny')
    })

    test('structured output', async () => {
      const answer = await google().models.generateContent({
        ...ask,
        config: { responseMimeType: 'application/json', responseJsonSchema: weather.schema },
      })
      expect(JSON.parse(answer.text!)).toHaveProperty('city')
    })

    test('thoughts are shown to those who ask for them', async () => {
      const thinking = { ...ask, model: modelOver(protocol, 'thinking') }
      const shown = await google().models.generateContent({
        ...thinking,
        config: { thinkingConfig: { includeThoughts: true } },
      })
      expect(shown.candidates![0]!.content!.parts!.some(({ thought }) => thought)).toBe(true)
      if (protocol === 'gemini') return
      const hidden = await google().models.generateContent(thinking)
      expect(hidden.candidates![0]!.content!.parts!.some(({ thought }) => thought)).toBe(false)
    })

    test('an error of the provider has our status', async () => {
      await expect(
        google().models.generateContent({ ...ask, model: modelOver(protocol, 'limited') }),
      ).rejects.toMatchObject({ status: 503 })
    })

    test.each(['midway', 'cut'] as const)('a stream that breaks (%s) never looks finished', async (how) => {
      let text = ''
      await expect(
        (async () => {
          const stream = await google().models.generateContentStream({ ...ask, model: modelOver(protocol, how) })
          for await (const chunk of stream) text += chunk.text ?? ''
        })(),
      ).rejects.toThrow()
      expect(text.length).toBeGreaterThan(0)
    })
  })
})
