import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../kernel/clock.ts'
import { startSimulated } from './server.ts'
import type { Simulated } from './server.ts'

let simulated: Simulated
let openai: OpenAI
let google: GoogleGenAI

beforeAll(async () => {
  simulated = await startSimulated({ clock: systemClock })
  openai = new OpenAI({ apiKey: 'any', baseURL: simulated.url, maxRetries: 0 })
  google = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: simulated.url.replace('/v1', '') } })
})
afterAll(() => simulated.close())

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

describe('Responses', () => {
  const tools = [{ type: 'function' as const, name: 'get_weather', parameters: schema, strict: false }]

  test('a stream joined is the whole answer, and the strict helper of the SDK accepts it', async () => {
    const whole = await openai.responses.create({ model: 'sim-fast', input: 'Hello there', instructions: 'Be brief.' })
    expect(whole.output_text).toContain('You wrote: “Hello there”.')
    const streamed = await openai.responses
      .stream({ model: 'sim-fast', input: 'Hello there', instructions: 'Be brief.' })
      .finalResponse()
    expect({ ...streamed, created_at: 0 }).toMatchObject({ output: whole.output, usage: whole.usage })
  })

  test('calls, their results, thoughts, limits and refusals', async () => {
    const ask = { model: 'sim-tools', input: 'Weather in Oslo?', tools }
    const first = await openai.responses.stream(ask).finalResponse()
    const call = first.output[0]!
    if (call.type !== 'function_call') throw new Error('a call is expected')
    const second = await openai.responses.create({
      ...ask,
      input: [call, { type: 'function_call_output', call_id: call.call_id, output: 'Rain' }],
    })
    expect(second.output_text).toContain('Rain')
    const thought = await openai.responses.stream({ model: 'sim-think', input: 'Hm' }).finalResponse()
    expect(thought.output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    const short = await openai.responses.create({ model: 'sim-fast', input: 'Hello there', max_output_tokens: 2 })
    expect(short).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    const refused = await openai.responses.stream({ model: 'sim-refuse', input: 'No' }).finalResponse()
    expect(refused.output[0]).toMatchObject({ content: [{ type: 'refusal' }] })
  })

  test('nothing is kept to go on from: that is said and not passed over', async () => {
    const asked = { model: 'sim-fast', input: 'Hello', previous_response_id: 'resp_1' }
    await expect(openai.responses.create(asked)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('previous_response_id'),
    })
  })
})

describe('Gemini', () => {
  const ask = { model: 'sim-fast', contents: 'Hello there' }

  test('a stream joined is the whole answer', async () => {
    const whole = await google.models.generateContent(ask)
    let text = ''
    let usage: unknown
    for await (const chunk of await google.models.generateContentStream(ask)) {
      text += chunk.text ?? ''
      usage = chunk.usageMetadata
    }
    expect(text).toBe(whole.text)
    expect(usage).toEqual(whole.usageMetadata)
    expect(whole.text).toContain('You wrote: “Hello there”.')
    expect((await google.models.countTokens(ask)).totalTokens).toBe(whole.usageMetadata!.promptTokenCount)
  })

  test('calls are signed, and their results are read', async () => {
    const config = { tools: [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: schema }] }] }
    const first = await google.models.generateContent({ model: 'sim-tools', contents: 'Weather in Oslo?', config })
    expect(first.functionCalls).toMatchObject([{ name: 'get_weather', args: { city: expect.any(String) as string } }])
    expect(first.candidates![0]!.content!.parts![0]!.thoughtSignature).toBeTypeOf('string')
    const second = await google.models.generateContent({
      model: 'sim-tools',
      contents: [
        first.candidates![0]!.content!,
        { role: 'user', parts: [{ functionResponse: { name: 'get_weather', response: { output: 'Rain' } } }] },
      ],
      config,
    })
    expect(second.text).toContain('Rain')
  })

  test('errors have the shape of the protocol', async () => {
    await expect(google.models.generateContent({ ...ask, model: 'sim-error-429' })).rejects.toMatchObject({
      status: 429,
    })
  })
})
