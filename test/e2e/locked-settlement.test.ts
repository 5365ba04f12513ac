import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chatBody, chatPath, eventually, post, type Scene, startScene, verify } from '../support/scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await startScene()
}, 60_000)
afterAll(() => scene.close())

/** Keeps every writer out until it is let go. */
const lock = (): (() => void) => {
  const db = new Database(join(scene.gateway.dataDir, 'gateway.db'), { timeout: 5_000 })
  db.exec('begin immediate')
  return () => void db.close()
}

interface Logged {
  status: number
  error_code: string | null
  usage_quality: string
  cost: string
}

test.each([
  ['a whole answer', {}, 503],
  ['a stream', { stream: true }, 200],
])(
  'a settlement that comes late is logged as what the client was told: %s',
  async (name, more, status) => {
    const model = name.replaceAll(' ', '-')
    await scene.model(model, 'openai')
    await scene.provider.script(`real-${model}`, { text: 'Hello.', delayMs: 1_500 })
    const answer = post(scene.gateway, chatPath, scene.key, chatBody(model, { max_tokens: 100, ...more }))
    await eventually(async () =>
      (await scene.provider.log()).some((attempt) => attempt.model === `real-${model}`) ? true : undefined,
    )
    const letGo = lock()
    const told = await answer.finally(letGo)
    expect({ status: told.status, text: told.text }).toEqual({
      status,
      text: expect.stringContaining('"code":"storage_unavailable"'),
    })
    expect(told.text).not.toContain('[DONE]')

    const logged = await eventually(
      async () => (await scene.gateway.call<{ data: Logged[] }>('requests.list', { model, limit: 1 })).data[0],
    )
    expect(logged).toMatchObject({ status: 503, error_code: 'storage_unavailable', usage_quality: 'exact' })
    expect(Number(logged.cost)).toBeGreaterThan(0)
    expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
  },
  30_000,
)
