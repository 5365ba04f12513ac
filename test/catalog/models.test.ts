import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAdministration, type Administration } from '../support/administration.ts'

let admin: Administration
beforeAll(async () => {
  admin = await openAdministration()
  await admin.call('providers.add', { name: 'sim', kind: 'simulated' })
  await admin.call('providers.add', { name: 'openai', kind: 'openai', secret: 'sk-0123456789abcdef' })
  await admin.call('providers.add', { name: 'keyless', kind: 'openai' })
})
afterAll(() => admin.close())

const refused = (code: string, text?: string) =>
  expect.objectContaining({ code, ...(text && { message: expect.stringContaining(text) }) })
const prices = { input: '2.5', output: '10' }
const target = { provider: 'sim', model: 'echo' }

describe('shadow models', () => {
  test('a model is created with targets and prices and shown with the order in which targets are tried', async () => {
    const model = await admin.call('models.create', {
      name: 'vendor/smart:latest',
      targets: [
        { provider: 'openai', model: 'gpt', priority: 2 },
        { provider: 'sim', model: 'light', weight: 1 },
        { provider: 'sim', model: 'heavy', weight: 5 },
      ],
      prices: { ...prices, cached_input: '0.25' },
      context_window: 128_000,
      max_output_tokens: 8192,
      defaults: { temperature: 0.5, response_format: { type: 'text' } },
      caps: { max_tokens: 4096 },
    })
    expect(model).toMatchObject({
      name: 'vendor/smart:latest',
      status: 'active',
      free: false,
      context_window: 128_000,
      max_output_tokens: 8192,
      defaults: { temperature: 0.5, response_format: { type: 'text' } },
      caps: { max_tokens: 4096 },
      prices: { input: '2.5', output: '10', cached_input: '0.25', cache_write: '2.5', reasoning: '10', request: '0' },
    })
    expect(model.targets.map((one: { model: string }) => one.model)).toEqual(['heavy', 'light', 'gpt'])
    expect(await admin.call('models.show', { model: model.id })).toEqual(model)
    expect((await admin.call('models.list', { q: 'smart' })).data).toEqual([model])
  })

  test.each([
    ['neither prices nor free', {}, 'prices'],
    ['both prices and free', { prices, free: true }, 'free'],
    ['prices that are all zero', { prices: { input: '0', output: '0' } }, 'zero'],
    ['a negative price', { prices: { input: '-1', output: '1' } }, 'input'],
    ['a price beyond reason', { prices: { input: '1000000000', output: '1' } }, 'input'],
    ['a default that is the request itself', { prices, defaults: { messages: [] } }, 'messages'],
    ['a default that asks for more answers', { prices, defaults: { n: 100 } }, 'n'],
    ['a cap below zero', { prices, caps: { temperature: -1 } }, 'temperature'],
    ['a cap of half a token', { prices, caps: { max_tokens: 0.5 } }, 'max_tokens'],
    ['a field name that is none', { prices, caps: { 'a b': 1 } }, 'a b'],
    ['defaults that are too large', { prices, defaults: { stop: 'x'.repeat(20_000) } }, 'larger'],
    ['the same target twice', { prices, targets: [target, { ...target, priority: 2 }] }, 'twice'],
  ])('%s is refused and nothing is kept', async (_, given, text) => {
    await expect(admin.call('models.create', { name: 'bad', targets: [target], ...given })).rejects.toEqual(
      refused('invalid_request', text),
    )
    await expect(admin.call('models.show', { model: 'bad' })).rejects.toEqual(refused('not_found'))
  })

  test.each([
    ['a price without output', { prices: { input: '1' } }],
    ['a price that is a number', { prices: { input: 1, output: 1 } }],
    ['no target', { prices, targets: [] }],
    ['weight zero', { prices, targets: [{ ...target, weight: 0 }] }],
    ['half a priority', { prices, targets: [{ ...target, priority: 1.5 }] }],
    ['a name with a blank', { prices, name: 'a b' }],
    ['a name that is too long', { prices, name: 'x'.repeat(129) }],
    ['a context window of zero', { prices, context_window: 0 }],
    ['an unknown field', { prices, owner: 'me' }],
  ])('%s does not pass the schema', async (_, given) => {
    await expect(admin.call('models.create', { name: 'bad', targets: [target], ...given })).rejects.toThrow(
      expect.objectContaining({ name: expect.stringContaining('Zod') }),
    )
  })

  test('a target at an unknown provider is not_found and says how to add it', async () => {
    const failure = admin.call('models.create', { name: 'bad', prices, targets: [{ provider: 'nobody', model: 'm' }] })
    await expect(failure).rejects.toEqual(
      expect.objectContaining({
        code: 'not_found',
        details: expect.objectContaining({
          param: 'targets[0].provider',
          hint: expect.stringContaining('providers add'),
        }),
      }),
    )
  })

  test('what an update leaves out stays; null clears; targets are replaced as a whole', async () => {
    await admin.call('models.create', {
      name: 'change',
      targets: [target],
      prices,
      context_window: 1000,
      max_output_tokens: 100,
      defaults: { top_p: 1 },
      caps: { max_tokens: 50 },
    })
    expect(await admin.call('models.update', { model: 'change', context_window: null })).toMatchObject({
      context_window: null,
      max_output_tokens: 100,
      defaults: { top_p: 1 },
      caps: { max_tokens: 50 },
      targets: [{ model: 'echo' }],
    })
    expect(await admin.call('models.update', { model: 'change', defaults: null, caps: { top_p: 1 } })).toMatchObject({
      defaults: {},
      caps: { top_p: 1 },
    })
    expect(
      await admin.call('models.update', { model: 'change', targets: [{ provider: 'openai', model: 'gpt' }] }),
    ).toMatchObject({ targets: [{ provider: 'openai', model: 'gpt', weight: 1, priority: 1 }] })
    expect(await admin.call('models.update', { model: 'change', name: 'changed' })).toMatchObject({ name: 'changed' })
    await expect(admin.call('models.show', { model: 'change' })).rejects.toEqual(refused('not_found'))
    await expect(admin.call('models.update', { model: 'changed', name: 'vendor/smart:latest' })).rejects.toEqual(
      refused('already_exists'),
    )
  })

  test('disable, enable and delete', async () => {
    await admin.call('models.create', { name: 'gone', targets: [target], free: true })
    expect(await admin.call('models.disable', { model: 'gone' })).toMatchObject({ status: 'disabled' })
    expect(await admin.call('models.enable', { model: 'gone' })).toMatchObject({ status: 'active' })
    expect(await admin.call('models.delete', { model: 'gone' })).toMatchObject({ name: 'gone', removed: true })
    await expect(admin.call('models.delete', { model: 'gone' })).rejects.toEqual(refused('not_found'))
    await admin.call('models.create', { name: 'gone', targets: [target], free: true })
  })

  test('a model becomes free and priced again only on purpose', async () => {
    await admin.call('models.create', { name: 'flip', targets: [target], prices })
    expect(await admin.call('models.update', { model: 'flip', free: true })).toMatchObject({ free: true, prices: null })
    await expect(admin.call('models.update', { model: 'flip', prices })).rejects.toEqual(
      refused('invalid_request', 'free'),
    )
    await expect(admin.call('prices.set', { model: 'flip', ...prices })).rejects.toEqual(refused('conflict', 'free'))
    expect(await admin.call('models.update', { model: 'flip', free: false })).toMatchObject({
      free: false,
      prices: { input: '2.5' },
    })
    await admin.call('models.create', { name: 'never-priced', targets: [target], free: true })
    await expect(admin.call('models.update', { model: 'never-priced', free: false })).rejects.toEqual(
      refused('invalid_request', 'prices'),
    )
  })

  test('targets can be given as text too', async () => {
    const { targets } = await admin.call('models.create', {
      name: 'text',
      free: true,
      targets: ['openai/meta/llama:free@3#2', 'sim/echo'],
    })
    expect(targets).toMatchObject([
      { provider: 'sim', model: 'echo', weight: 1, priority: 1 },
      { provider: 'openai', model: 'meta/llama:free', weight: 3, priority: 2 },
    ])
    await expect(admin.call('models.update', { model: 'text', targets: ['sim/echo@0'] })).rejects.toEqual(
      refused('invalid_request', '@'),
    )
  })
})

describe('prices', () => {
  test('a new price is a new version; the old ones stay as they were', async () => {
    const first = admin.now
    await admin.call('models.create', { name: 'priced', targets: [target], prices })
    admin.now = first + 1000
    await admin.call('prices.set', { model: 'priced', input: '3', output: '12' })
    const later = await admin.call('prices.set', { model: 'priced', input: '4', output: '16', from: '2026-02-01' })
    expect(later).toMatchObject({ state: 'future', effective_from: '2026-02-01T00:00:00.000Z', actor: 'local:test' })
    expect(await admin.call('prices.show', { model: 'priced' })).toMatchObject({
      prices: { input: '3', state: 'current' },
      next: { input: '4' },
    })
    const history = await admin.call('prices.history', { model: 'priced', limit: 2 })
    const rest = await admin.call('prices.history', { model: 'priced', limit: 2, cursor: history.next_cursor })
    expect([...history.data, ...rest.data].map((one) => [one.input, one.state])).toEqual([
      ['4', 'future'],
      ['3', 'current'],
      ['2.5', 'past'],
    ])
    admin.now = Date.UTC(2026, 1, 2)
    expect(await admin.call('models.show', { model: 'priced' })).toMatchObject({ prices: { input: '4' } })
    admin.now = first + 1000
  })

  test('a price in the past is refused, and so is a day that does not exist', async () => {
    for (const from of ['2026-01-01', '2026-02-30', '1h', '9999-01-01']) {
      await expect(admin.call('prices.set', { model: 'priced', ...prices, from })).rejects.toEqual(
        refused('invalid_request', 'from'),
      )
    }
  })

  test('the database itself refuses to change a version', async () => {
    const change = admin.storage.write(async ({ db }) => db.updateTable('prices').set({ input: 1 }).execute())
    await expect(change).rejects.toThrow(
      expect.objectContaining({
        cause: expect.stringContaining('a price is never changed'),
      }),
    )
    expect(await admin.call('prices.show', { model: 'priced' })).toMatchObject({ prices: { input: '3' } })
  })

  test('an estimate is the arithmetic of a charge', async () => {
    await admin.call('prices.set', { model: 'priced', input: '3', output: '12', cached_input: '0.3' })
    const estimate = await admin.call('prices.estimate', {
      model: 'priced',
      input_tokens: '1000',
      output_tokens: 500,
      cached_input_tokens: 400,
    })
    expect(estimate).toMatchObject({ free: false, total: '0.00792' })
    expect(estimate.lines.map((line: { what: string; amount: string }) => [line.what, line.amount])).toEqual([
      ['input', '0.0018'],
      ['cached input', '0.00012'],
      ['output', '0.006'],
    ])
    await expect(
      admin.call('prices.estimate', { model: 'priced', input_tokens: 1, output_tokens: 0, cached_input_tokens: 2 }),
    ).rejects.toEqual(refused('invalid_request'))
    expect(
      await admin
        .call('prices.estimate', { model: 'flip-free', input_tokens: 1, output_tokens: 1 })
        .catch((error: { code: string }) => error.code),
    ).toBe('not_found')
  })

  test('the list shows every model with its price or that it is free', async () => {
    const all = (await admin.call('prices.list', { limit: 500 })).data as {
      model: string
      free: boolean
      prices: unknown
    }[]
    expect(all.every((one) => one.free === (one.prices === null))).toBe(true)
    expect(all.map((one) => one.model)).toEqual(all.map((one) => one.model).toSorted())
  })
})

describe('the dry run of a route', () => {
  test('names target, price and hold, and calls nothing', async () => {
    let calls = 0
    admin.probe = async () => {
      calls++
      return { status: 200, latencyMs: 1, models: [], failure: null }
    }
    await admin.call('models.create', {
      name: 'routed',
      targets: [
        { provider: 'keyless', model: 'gpt' },
        { provider: 'openai', model: 'gpt', priority: 2 },
      ],
      prices: { input: '1', output: '2' },
    })
    const body = { messages: [{ role: 'user', content: 'hi' }], max_tokens: 10, n: 2 }
    const route = await admin.call('models.route', { model: 'routed', body, protocol: 'anthropic-messages' })
    const bytes = JSON.stringify({ ...body, model: 'routed' }).length
    expect(route).toMatchObject({
      target: { provider: 'openai', model: 'gpt', protocol: 'openai-chat' },
      targets: [
        { provider: 'keyless', usable: false, reason: expect.stringContaining('no key') },
        { provider: 'openai', usable: true, keys: 1 },
      ],
      price: { input: '1', output: '2' },
      hold: {
        prompt_tokens: bytes,
        output_tokens: 20,
        output_limit: 'client',
        max: ((bytes + 40) / 1e6).toFixed(9).replace(/0+$/, ''),
      },
      problems: [],
    })
    expect(calls).toBe(0)
    expect(await admin.storage.read.selectFrom('holds').selectAll().execute()).toEqual([])
  })

  test('says why nothing would work', async () => {
    await admin.call('models.create', { name: 'stuck', targets: [{ provider: 'keyless', model: 'gpt' }], free: true })
    await admin.call('models.disable', { model: 'stuck' })
    const route = await admin.call('models.route', { model: 'stuck' })
    expect(route).toMatchObject({
      target: null,
      price: null,
      hold: { min: '0', max: '0' },
      problems: [expect.stringContaining('disabled'), expect.stringContaining('No target')],
    })
  })
})

test('a test of a model asks each provider once and says which target is not listed', async () => {
  const asked: string[] = []
  admin.probe = async (provider) => {
    asked.push(provider.name)
    return { status: 200, latencyMs: 2, models: ['heavy', 'gpt'], failure: null }
  }
  const result = await admin.call('models.test', { model: 'vendor/smart:latest' })
  expect(asked.toSorted()).toEqual(['openai', 'sim'])
  expect(result.ok).toBe(false)
  expect(
    result.targets.map((one: { model: string; listed: boolean; ok: boolean }) => [one.model, one.listed, one.ok]),
  ).toEqual([
    ['heavy', true, true],
    ['light', false, false],
    ['gpt', true, true],
  ])
})
