import { describe, expect, test } from 'vitest'
import type { ResolvedProvider, Target } from '../catalog/resolved.ts'
import { endpointById } from '../endpoints/index.ts'
import { quirksOf } from '../protocols/openai-chat/quirks.ts'
import { openai } from '../provider-kinds/openai.ts'
import type { KeyPrincipal } from '../keys/verdict.ts'
import type { KeptResponse, KeptResponses } from '../usage/kept-responses.ts'
import { findEarlier, withKey } from './earlier-response.ts'

const key = (id: string) => ({ id, secret: `secret of ${id}`, weight: 1 })
const provider = (id: string, more: Partial<ResolvedProvider> = {}): ResolvedProvider => ({
  id,
  name: id,
  kind: openai,
  baseUrl: 'http://127.0.0.1:9/v1',
  speaks: ['openai-chat', 'openai-responses'],
  quirks: quirksOf([]),
  settings: {},
  allowPrivate: [],
  timeoutMs: null,
  keys: [key('pky_1'), key('pky_2')],
  ...more,
})
const target = (on: ResolvedProvider, model = 'real'): Target => ({
  id: `tgt_${on.id}_${model}`,
  provider: on,
  model,
  weight: 1,
  priority: 0,
})
const principal: KeyPrincipal = {
  keyId: 'key_1',
  userId: 'usr_1',
  accountId: 'acc_1',
  models: null,
  allowIps: null,
  quota: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  expiresAt: null,
}
const kept: KeptResponse = {
  model: 'smart',
  modelId: 'mdl_1',
  providerId: 'prv_1',
  providerKeyId: 'pky_2',
  targetModel: 'real',
  tokens: 7,
}
const responses: KeptResponses = {
  note() {},
  find: (userId, id) => Promise.resolve(userId === 'usr_1' && id === 'resp_1' ? kept : undefined),
}
const find = (targets: readonly Target[], { id = 'resp_1', who = principal } = {}) =>
  findEarlier(id, { endpoint: endpointById('openai-responses'), principal: who }, targets, responses)
const refused = (code: string) => ({ code, details: { param: 'previous_response_id' } })

describe('a response that is gone on from', () => {
  test('goes to its provider with its key alone, also behind others', async () => {
    const first = provider('prv_0')
    const { target: found, tokens } = await find([target(first), target(provider('prv_1'))])
    expect(found.provider.id).toBe('prv_1')
    expect(found.provider.keys).toEqual([key('pky_2')])
    expect(tokens).toBe(7)
  })

  test('goes to the model that gave it, when the provider has several behind this name', async () => {
    const on = provider('prv_1')
    expect((await find([target(on, 'new'), target(on, 'real')])).target.model).toBe('real')
    expect((await find([target(on, 'new'), target(on, 'newer')])).target.model).toBe('new')
  })

  test('is not asked of another provider, nor with another key', async () => {
    await expect(find([target(provider('prv_0'))])).rejects.toMatchObject(refused('unsupported_parameter'))
    const lacking = provider('prv_1', { keys: [key('pky_1')] })
    await expect(find([target(lacking)])).rejects.toMatchObject(refused('unsupported_parameter'))
  })

  test('cannot be at a provider that speaks another protocol: nothing is looked for', async () => {
    const chat = provider('prv_1', { speaks: ['openai-chat'] })
    await expect(find([target(chat)], { id: 'resp_nobody' })).rejects.toMatchObject(refused('unsupported_parameter'))
  })

  test("is nobody's when it is another user's", async () => {
    for (const more of [{ id: 'resp_2' }, { who: { ...principal, userId: 'usr_2' } }])
      await expect(find([target(provider('prv_1'))], more)).rejects.toMatchObject(
        refused('previous_response_not_found'),
      )
    const long = find([target(provider('prv_1'))], { id: 'x'.repeat(1e6) })
    await expect(long).rejects.toMatchObject({ message: expect.stringMatching(/^.{1,200}$/) })
  })

  test('is not for a key that may not use its model', async () => {
    const who = { ...principal, models: new Set(['small']) }
    await expect(find([target(provider('prv_1'))], { who })).rejects.toMatchObject({ code: 'model_not_allowed' })
  })
})

test('a response of the time when its provider had no key is asked with the one it has now', () => {
  const now = provider('prv_1')
  expect(withKey(now, { providerKeyId: null })).toBe(now)
  expect(withKey(now, { providerKeyId: 'pky_1' })?.keys).toEqual([key('pky_1')])
})
