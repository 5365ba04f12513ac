import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createCustomer,
  ensureBuilt,
  type Gateway,
  newDataDir,
  removeDataDir,
  startGateway,
} from '../support/gateway.ts'
import { type KeepingProvider, startKeepingProvider } from '../support/keeping-provider.ts'
import { eventually, prices, verify } from '../support/scene.ts'

/** Responses that a provider keeps, with the official SDK: who may refer to them, and where that goes. */
let gateway: Gateway
let provider: KeepingProvider
let other: KeepingProvider
const dataDir = newDataDir()
let ann: { key: string; user: string; keyId: string }
let bob: { key: string; user: string; keyId: string }

const sdk = (key: string): OpenAI => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
const ask = (key: string, input: string, more: object = {}) =>
  sdk(key).responses.create({ model: 'smart', input, ...more, stream: false })
const secret = 'sk-provider-0123456789'

interface Row {
  readonly client_protocol: string
  readonly model: string
  readonly status: number
  readonly error_code: string | null
  readonly cost: string
  readonly usage_quality: string
  readonly target_model: string | null
  readonly provider_key: { readonly label: string } | null
}
const rowOf = (id: string | null): Promise<Row> =>
  eventually(async () => gateway.call<Row>('requests.show', { request: id! }).catch(() => undefined))

const raw = (key: string, method: string, path: string, body?: string) =>
  fetch(`${gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'text/plain' }) },
    ...(body !== undefined && { body }),
  })

beforeAll(async () => {
  ensureBuilt()
  provider = await startKeepingProvider()
  other = await startKeepingProvider()
  gateway = await startGateway({ dataDir })
  const speaks = ['openai-responses']
  const kind = 'openai'
  await gateway.call('providers.add', { name: 'keeper', kind, base_url: provider.url, secret, speaks })
  await gateway.call('providers.add', { name: 'other', kind, base_url: other.url, secret, speaks })
  await gateway.call('providers.add', { name: 'chat', kind: 'openai-compatible', base_url: provider.url, secret })
  const models = { smart: 'keeper', small: 'keeper', passing: 'keeper', elsewhere: 'other', crossing: 'chat' }
  for (const [name, to] of Object.entries(models))
    await gateway.call('models.create', { name, targets: [{ provider: to, model: `real-${name}` }], prices })
  ann = await createCustomer(gateway)
  bob = await createCustomer(gateway)
}, 60_000)
afterAll(async () => {
  await gateway.stop()
  await provider.close()
  await other.close()
  removeDataDir(dataDir)
})

describe('a conversation of two turns', () => {
  test('goes on from what the provider keeps, and pays for all that was said', async () => {
    const first = await ask(ann.key, 'one')
    const { data: second, response } = await sdk(ann.key)
      .responses.create({ model: 'smart', input: 'two', previous_response_id: first.id })
      .withResponse()
    expect(second.output_text).toBe('You said: one, two.')
    expect(second).toMatchObject({ model: 'smart', previous_response_id: first.id })
    // Six characters of prompt and nineteen of answer, by the provider's count.
    expect(response.headers.get('x-gateway-cost')).toBe('0.000044')
    expect(JSON.parse(provider.seen.at(-1)!.body)).toMatchObject({
      model: 'real-smart',
      previous_response_id: first.id,
      input: 'two',
    })
  })

  test('as streams, each at once behind the other', async () => {
    let previous: string | undefined
    for (const word of ['a', 'b', 'c', 'd', 'e']) {
      const stream = sdk(ann.key).responses.stream({
        model: 'smart',
        input: word,
        ...(previous !== undefined && { previous_response_id: previous }),
      })
      const answer = await stream.finalResponse()
      previous = answer.id
      expect(answer.output_text.endsWith(`${word}.`)).toBe(true)
    }
    expect((await sdk(ann.key).responses.retrieve(previous!)).output_text).toBe('You said: a, b, c, d, e.')
  })

  test('with another model of the same provider', async () => {
    const first = await ask(ann.key, 'one')
    const second = await ask(ann.key, 'two', { model: 'small', previous_response_id: first.id })
    expect(second).toMatchObject({ model: 'small', output_text: 'You said: one, two.' })
  })

  test('holds what the earlier turns can cost', async () => {
    const poor = await createCustomer(gateway, { credits: '0.01' })
    const first = await ask(poor.key, 'x'.repeat(1500), { max_output_tokens: 10 })
    // 0.0015 for the prompt and 0.00304 for the answer are gone; a body of a few bytes alone would be covered many times over.
    await expect(ask(poor.key, 'y', { max_output_tokens: 1600, previous_response_id: first.id })).rejects.toMatchObject(
      { status: 402 },
    )
    await expect(ask(poor.key, 'y', { max_output_tokens: 1600 })).resolves.toMatchObject({ status: 'completed' })
  })
})

describe('what belongs to another user', () => {
  const everyWay: readonly [string, (client: OpenAI, id: string) => Promise<unknown>, number, string][] = [
    [
      'is gone on from',
      (client, id) => client.responses.create({ model: 'smart', input: 'x', previous_response_id: id }),
      400,
      'previous_response_not_found',
    ],
    ['is read', (client, id) => client.responses.retrieve(id), 404, 'response_not_found'],
    ['is read as a stream', (client, id) => client.responses.retrieve(id, { stream: true }), 404, 'response_not_found'],
    ['is deleted', (client, id) => client.responses.delete(id), 404, 'response_not_found'],
    ['is cancelled', (client, id) => client.responses.cancel(id), 404, 'response_not_found'],
    ['has its input listed', async (client, id) => client.responses.inputItems.list(id), 404, 'response_not_found'],
  ]
  test.each(everyWay)('looks as if it were not there when it %s, and nothing is sent', async (_, way, status, code) => {
    const { id } = await ask(ann.key, 'secret')
    const before = provider.seen.length
    const refused = (name: string) => ({
      status,
      code,
      message: expect.stringContaining(`with id '${name}' not found.`),
    })
    await expect(way(sdk(bob.key), id)).rejects.toMatchObject(refused(id))
    for (const wrong of ['resp_1', 'chatcmpl-1', "x' or 1=1", '日本', 'a/b', '..%2f'])
      await expect(way(sdk(ann.key), wrong)).rejects.toMatchObject(refused(wrong))
    expect(provider.seen.length).toBe(before)
    await expect(sdk(ann.key).responses.retrieve(id)).resolves.toMatchObject({ id })
  })

  test('another key of the same user may, unless it may not use the model', async () => {
    const { id } = await ask(ann.key, 'mine')
    const make = (more: object) => gateway.call<{ secret: string }>('keys.create', { user: ann.user, ...more })
    await expect(sdk((await make({})).secret).responses.retrieve(id)).resolves.toMatchObject({ id })
    const narrow = sdk((await make({ models: ['small'] })).secret)
    await expect(narrow.responses.retrieve(id)).rejects.toMatchObject({ status: 403, code: 'model_not_allowed' })
    await expect(
      narrow.responses.create({ model: 'small', input: 'x', previous_response_id: id }),
    ).rejects.toMatchObject({ status: 403, code: 'model_not_allowed' })
  })
})

describe('a kept response', () => {
  test('is read under the name of its shadow model, for nothing, and recorded once', async () => {
    const made = await ask(ann.key, 'hello')
    const { data, response } = await sdk(ann.key).responses.retrieve(made.id).withResponse()
    expect(data).toMatchObject({ id: made.id, model: 'smart', output_text: made.output_text, usage: made.usage })
    expect(response.headers.get('x-gateway-cost')).toBe('0')
    expect(await rowOf(response.headers.get('x-gateway-request-id'))).toMatchObject({
      client_protocol: 'response-retrieve',
      model: 'smart',
      target_model: 'real-smart',
      status: 200,
      cost: '0',
      usage_quality: 'none',
    })
    expect(provider.seen.at(-1)).toEqual({
      method: 'GET',
      path: `/v1/responses/${made.id}`,
      secret,
      body: '',
      contentType: undefined,
    })
  })

  test('is read on as a stream from where it stopped', async () => {
    const made = await ask(ann.key, 'hello')
    const stream = await sdk(ann.key).responses.retrieve(made.id, { stream: true, starting_after: 5 })
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    for await (const event of stream) events.push(event)
    expect(events[0]).toMatchObject({ sequence_number: 6, type: 'response.output_text.delta' })
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { model: 'smart', id: made.id } })
    expect(JSON.stringify(events)).not.toContain('real-')
    expect(provider.seen.at(-1)!.path).toMatch(/\?stream=true&starting_after=5$/)
  })

  test('has its input listed, with the parameters that this call has and no others', async () => {
    const made = await ask(ann.key, 'hello')
    const items = await sdk(ann.key).responses.inputItems.list(made.id, {
      limit: 5,
      include: ['message.input_image.image_url'],
    })
    expect(items.data).toMatchObject([{ role: 'user', content: [{ text: 'hello' }] }])
    await raw(ann.key, 'GET', `/v1/responses/${made.id}/input_items?order=asc&limit=2&api_key=x&model=real`)
    expect(provider.seen.at(-1)!.path).toBe(`/v1/responses/${made.id}/input_items?order=asc&limit=2`)
  })

  test('is deleted, and then gone', async () => {
    const made = await ask(ann.key, 'hello')
    const answer = await raw(ann.key, 'DELETE', `/v1/responses/${made.id}`)
    expect(await answer.json()).toEqual({ id: made.id, object: 'response', deleted: true })
    const gone = { status: 404, code: 'response_not_found', message: expect.stringContaining(made.id) }
    await expect(sdk(ann.key).responses.retrieve(made.id)).rejects.toMatchObject(gone)
    await expect(sdk(ann.key).responses.delete(made.id)).rejects.toMatchObject(gone)
    await expect(ask(ann.key, 'x', { previous_response_id: made.id })).rejects.toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
    })
  })

  test('cannot be cancelled when it is finished, in the words of the provider; a body that comes along is not read', async () => {
    const made = await ask(ann.key, 'hello')
    await expect(sdk(ann.key).responses.cancel(made.id)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('Cannot cancel a synchronous response.'),
    })
    expect(provider.seen.at(-1)).toMatchObject({ method: 'POST', body: '{}', contentType: 'application/json' })
    const answer = await raw(ann.key, 'POST', `/v1/responses/${made.id}/cancel`, 'not JSON')
    expect(answer.status).toBe(400)
    expect(provider.seen.at(-1)!.body).toBe('{}')
  })

  test('that was not to be kept is not there', async () => {
    const made = await ask(ann.key, 'hello', { store: false })
    await expect(sdk(ann.key).responses.retrieve(made.id)).rejects.toMatchObject({ status: 404 })
    await expect(ask(ann.key, 'x', { previous_response_id: made.id })).rejects.toMatchObject({ status: 400 })
  })
})

describe('where it went', () => {
  test('a model that goes elsewhere cannot go on from it', async () => {
    const { id } = await ask(ann.key, 'one')
    const before = other.seen.length
    await expect(ask(ann.key, 'x', { model: 'elsewhere', previous_response_id: id })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'previous_response_id',
    })
    expect(other.seen.length).toBe(before)
  })

  test('nor one whose provider speaks another protocol', async () => {
    const { id } = await ask(ann.key, 'one')
    await expect(ask(ann.key, 'x', { model: 'crossing', previous_response_id: id })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'previous_response_id',
    })
  })

  test('the response stays readable when its model goes elsewhere, is disabled, and is removed', async () => {
    const made = await ask(ann.key, 'stay', { model: 'passing' })
    const read = () => sdk(ann.key).responses.retrieve(made.id)
    await gateway.call('models.update', { model: 'passing', targets: [{ provider: 'other', model: 'real-passing' }] })
    await expect(read()).resolves.toMatchObject({ id: made.id, model: 'passing' })
    await gateway.call('models.disable', { model: 'passing' })
    await expect(read()).resolves.toMatchObject({ id: made.id, model: 'passing' })
    await gateway.call('models.delete', { model: 'passing' })
    await expect(read()).resolves.toMatchObject({ id: made.id, model: 'passing' })
    // Another model of the provider can still go on from it.
    await expect(ask(ann.key, 'on', { previous_response_id: made.id })).resolves.toMatchObject({
      output_text: 'You said: stay, on.',
    })
    await sdk(ann.key).responses.delete(made.id)
    await expect(read()).rejects.toMatchObject({ status: 404 })
  })

  test('to the key that made it, also when another one has its place now; and nowhere when that key is disabled', async () => {
    const made = await ask(ann.key, 'keyed')
    const add = (label: string, value: string) =>
      gateway.call<{ id: string }>('provider_keys.add', { provider: 'keeper', label, secret: value })
    await add('second', 'sk-second-0123456789')
    await expect(sdk(ann.key).responses.retrieve(made.id)).resolves.toMatchObject({ id: made.id })
    const { data: keys } = await gateway.call<{ data: { id: string; label: string }[] }>('provider_keys.list', {
      provider: 'keeper',
    })
    const first = keys.find(({ label }) => label !== 'second')!.id
    await gateway.call('provider_keys.disable', { key: first })
    const later = await ask(ann.key, 'by the second')
    expect(provider.seen.at(-1)!.secret).toBe('sk-second-0123456789')
    await expect(sdk(ann.key).responses.retrieve(made.id)).rejects.toMatchObject({ status: 404 })
    await expect(ask(ann.key, 'x', { previous_response_id: made.id })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
    })
    await gateway.call('provider_keys.enable', { key: first })
    await expect(ask(ann.key, 'x', { previous_response_id: made.id })).resolves.toMatchObject({
      output_text: 'You said: keyed, x.',
    })
    expect(provider.seen.at(-1)!.secret).toBe(secret)
    await expect(ask(ann.key, 'y', { previous_response_id: later.id })).resolves.toMatchObject({
      output_text: 'You said: by the second, y.',
    })
    expect(provider.seen.at(-1)!.secret).toBe('sk-second-0123456789')
  })
})

describe('limits', () => {
  test('of the key hold for guesses too', async () => {
    const limited = await createCustomer(gateway, { key: { rpm: 2 } })
    const { id } = await ask(limited.key, 'one')
    await expect(sdk(limited.key).responses.retrieve('resp_guess')).rejects.toMatchObject({ status: 404 })
    await expect(sdk(limited.key).responses.retrieve(id)).rejects.toMatchObject({ status: 429 })
  })

  test('of credit do not: one who has none left reads and deletes', async () => {
    const poor = await createCustomer(gateway, { credits: '0.04' })
    const { id } = await ask(poor.key, 'one')
    await gateway.call('credits.adjust', { user: poor.user, amount: '-0.039', note: 'test' })
    await expect(ask(poor.key, 'one', { max_output_tokens: 10_000 })).rejects.toMatchObject({ status: 402 })
    await expect(sdk(poor.key).responses.retrieve(id)).resolves.toMatchObject({ id })
    expect((await raw(poor.key, 'DELETE', `/v1/responses/${id}`)).status).toBe(200)
  })

  test.each(['GET', 'DELETE'])('%s without a key: 401', async (method) => {
    expect((await fetch(`${gateway.url}/v1/responses/resp_1`, { method })).status).toBe(401)
  })

  test('what would run in the background, and conversations, are refused', async () => {
    for (const more of [{ background: true }, { conversation: 'conv_1' }, { prompt: { id: 'pmpt_1' } }])
      await expect(ask(ann.key, 'x', more)).rejects.toMatchObject({ status: 400, code: 'unsupported_parameter' })
  })
})

test('ids survive a restart of the gateway, and a crash', async () => {
  const { id } = await ask(ann.key, 'before')
  await gateway.stop()
  gateway = await startGateway({ dataDir })
  const second = await ask(ann.key, 'after', { previous_response_id: id })
  expect(second.output_text).toBe('You said: before, after.')
  // The log follows the money by some milliseconds; a crash between them keeps the money and forgets the id.
  await rowOf(second._request_id ?? null)
  await gateway.kill()
  gateway = await startGateway({ dataDir })
  await expect(sdk(ann.key).responses.retrieve(second.id)).resolves.toMatchObject({ id: second.id, model: 'smart' })
  await expect(sdk(bob.key).responses.retrieve(second.id)).rejects.toMatchObject({ status: 404 })
}, 30_000)

test('the books are whole, and nothing is held', async () => {
  expect(await verify(gateway)).toMatchObject({ ok: true, holds_open: 0 })
})
