import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { removeDataDir, startGateway } from '../support/gateway.ts'
import { chatBody, chatPath, eventually, post, type Scene, startScene, verify } from '../support/scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await startScene({ env: { GATEWAY_DRAIN_TIMEOUT: '20s' } })
  await scene.model('slow', 'openai')
})
afterEach(() => scene.close())

const running = (count: number) =>
  eventually(async () => ((await scene.provider.log()).length >= count ? true : undefined))

test('SIGTERM lets 50 streams finish, takes readiness away at once and answers new requests with 503', async () => {
  await scene.provider.script('real-slow', { text: 'word '.repeat(60), chunkDelayMs: 20 })
  const streams = Array.from({ length: 50 }, () =>
    post(scene.gateway, chatPath, scene.key, chatBody('slow', { stream: true, max_tokens: 200 })),
  )
  await running(50)
  const ended = once(scene.gateway.process, 'exit')
  scene.gateway.process.kill('SIGTERM')
  const notReady = await eventually(async () => {
    const ready = await fetch(`${scene.gateway.url}/health/ready`)
    await ready.text()
    return ready.status === 503 ? performance.now() : undefined
  }, 500)
  expect(notReady).toBeGreaterThan(0)
  expect(await post(scene.gateway, chatPath, scene.key, chatBody('slow'))).toMatchObject({ status: 503 })
  for (const answer of await Promise.all(streams)) {
    expect(answer.status).toBe(200)
    expect(answer.text.trimEnd().endsWith('data: [DONE]')).toBe(true)
  }
  expect((await ended)[0]).toBe(0)
})

test('a second SIGTERM ends what still runs with an error in its stream, settled', async () => {
  await scene.provider.script('real-slow', { text: 'word '.repeat(2000), chunkDelayMs: 20 })
  const stream = post(scene.gateway, chatPath, scene.key, chatBody('slow', { stream: true, max_tokens: 4000 }))
  await running(1)
  const ended = once(scene.gateway.process, 'exit')
  scene.gateway.process.kill('SIGTERM')
  await eventually(async () => ((await fetch(`${scene.gateway.url}/health/ready`)).status === 503 ? true : undefined))
  scene.gateway.process.kill('SIGTERM')
  const answer = await stream
  expect(answer.text).toContain('draining')
  expect(answer.text).not.toContain('[DONE]')
  expect((await ended)[0]).toBe(0)
  const again = await startGateway({ dataDir: scene.gateway.dataDir })
  expect(await verify(again)).toMatchObject({ ok: true, holds_open: 0 })
  expect(await again.stop()).toBe(0)
})

test('a second daemon on the same data directory is refused', async () => {
  await expect(startGateway({ dataDir: scene.gateway.dataDir })).rejects.toThrow(/ended with 75/)
})

test('a data directory can be removed after a stop: nothing holds it', async () => {
  expect(await scene.gateway.stop()).toBe(0)
  removeDataDir(scene.gateway.dataDir)
})
