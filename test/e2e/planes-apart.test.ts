import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureBuilt, type Gateway, removeDataDir, startGateway } from '../support/gateway.ts'

let gateway: Gateway
beforeAll(async () => {
  ensureBuilt()
  gateway = await startGateway({ env: { GATEWAY_ADMIN_PORT: '0' } })
}, 60_000)
afterAll(async () => {
  await gateway.stop()
  removeDataDir(gateway.dataDir)
})

test.each([
  ['/api/admin/users', 'application/problem+json'],
  ['/health/ready', 'application/problem+json'],
  ['/', 'application/json'],
])('where the admin plane is apart, the proxy has nothing at %s', async (path, type) => {
  const answer = await fetch(gateway.url + path)
  expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({ status: 404, type })
  expect(await answer.text()).toContain('"code":"not_found"')
})

test('and what belongs to the proxy asks for a key', async () => {
  expect((await fetch(`${gateway.url}/v1/models`)).status).toBe(401)
})
