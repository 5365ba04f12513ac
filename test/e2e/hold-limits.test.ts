import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCustomer } from '../support/gateway.ts'
import {
  chatBody,
  chatPath,
  messagesBody,
  messagesPath,
  post,
  type Scene,
  startScene,
  verify,
} from '../support/scene.ts'

/** What a hold must cover before anything is sent, with a real gateway. */
let scene: Scene
beforeAll(async () => {
  scene = await startScene()
}, 60_000)
afterAll(() => scene.close())

const sentTo = async (model: string): Promise<number> =>
  (await scene.provider.log()).filter((attempt) => attempt.model === `real-${model}`).length

test('20 parallel searches by the provider on a small balance cost the house nothing: 402, and nothing is sent', async () => {
  await scene.model('search', 'anthropic')
  // Each search would report far more prompt than the body shows.
  await scene.provider.script('real-search', { usage: { input: 150_000, output: 10 } })
  const { user, key } = await createCustomer(scene.gateway, { credits: '0.1' })
  const body = messagesBody('search', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] })
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(scene.gateway, messagesPath, key, body)))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 402))
  expect(await sentTo('search')).toBe(0)
  expect(await scene.gateway.call('credits.balance', { user })).toMatchObject({ available: '0.1', held: '0' })
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
})

test('a token quota below the reserve still lets requests through until it is used up', async () => {
  await scene.model('small', 'openai')
  await scene.provider.script('real-small', { usage: { input: 20, output: 480 } })
  const { key } = await createCustomer(scene.gateway, { key: { quota: { tokens: 1_000, period: 'day' } } })
  const send = (more: object = {}) => post(scene.gateway, chatPath, key, chatBody('small', more))
  expect((await send()).status).toBe(200)
  const tooLong = await send({ max_tokens: 900 })
  expect(tooLong).toMatchObject({ status: 429 })
  expect(tooLong.text).toContain('(500 tokens per day) is not enough')
  expect((await send()).status).toBe(200)
  const last = await send()
  expect(last).toMatchObject({ status: 429 })
  expect(last.text).toContain('is used up')
  expect(await sentTo('small')).toBe(2)
})
