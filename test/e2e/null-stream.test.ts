import { afterAll, beforeAll, expect, test } from 'vitest'
import { chatBody, chatPath, post, type Scene, startScene } from '../support/scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await startScene()
}, 60_000)
afterAll(() => scene.close())

/** OpenAI's specification has `stream` as a boolean or null. */
test.each(['openai', 'anthropic'] as const)(
  'null for "stream" is the same as no "stream": one whole answer, from a provider of %s',
  async (protocol) => {
    const model = `null-${protocol}`
    await scene.model(model, protocol)
    const { status, headers, text } = await post(
      scene.gateway,
      chatPath,
      scene.key,
      chatBody(model, { stream: null, stream_options: null, max_tokens: 100 }),
    )
    expect({ status, type: headers.get('content-type') }).toEqual({ status: 200, type: 'application/json' })
    expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion', model })
    expect(Number(headers.get('x-gateway-cost'))).toBeGreaterThan(0)
    const asked = (await scene.provider.log()).find((attempt) => attempt.model === `real-${model}`)
    expect(asked?.stream).not.toBe(true)
  },
)
