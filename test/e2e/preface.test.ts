import { afterAll, beforeAll, expect, test } from 'vitest'
import { chatBody, chatPath, messagesBody, messagesPath, post, type Scene, startScene } from '../support/scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await startScene()
}, 60_000)
afterAll(() => scene.close())

const chunk = (delta: object): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`
const role = chunk({ role: 'assistant', content: '' })
const refusal = `data: ${JSON.stringify({ error: { message: 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' } })}\n\n`

test.each([
  ['its own protocol', chatPath, chatBody],
  ['another protocol', messagesPath, messagesBody],
] as const)(
  'a refusal that comes inside a stream in front of any content is a status of its own: %s',
  async (name, path, body) => {
    const model = `early-${name.split(' ').at(-2)}`
    await scene.model(model, 'openai')
    await scene.provider.script(`real-${model}`, { chunks: [role, refusal] })
    const answer = await post(scene.gateway, path, scene.key, body(model, { stream: true }))
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).not.toBeNull()
  },
)

test('a stream that stays without content is begun after some seconds all the same', async () => {
  await scene.model('late', 'openai')
  await scene.provider.script('real-late', { chunks: [role, chunk({ content: 'Hi' })], chunkDelayMs: 4_000 })
  const started = performance.now()
  const response = await fetch(scene.gateway.url + chatPath, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${scene.key}` },
    body: JSON.stringify(chatBody('late', { stream: true })),
  })
  expect(response.status).toBe(200)
  const { value } = await response.body!.getReader().read()
  expect(performance.now() - started).toBeLessThan(7_900)
  expect(Buffer.from(value!).toString()).not.toContain('Hi')
})
