import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCatalog, type LiveCatalog } from '../../src/core/catalog/catalog.ts'
import { systemClock } from '../../src/core/kernel/clock.ts'
import { createVault } from '../../src/core/kernel/secrets.ts'
import { openAdministration, type Administration } from '../support/administration.ts'

let admin: Administration
let catalog: LiveCatalog
const live = (vault = admin.vault) =>
  createCatalog({
    storage: admin.storage,
    vault,
    clock: systemClock,
    resolveSimulatedUrl: () => 'http://127.0.0.1:7777/v1',
  })

beforeAll(async () => {
  admin = await openAdministration()
  await admin.call('providers.add', { name: 'sim', kind: 'simulated' })
  await admin.call('providers.add', { name: 'openai', kind: 'openai', secret: 'sk-first-0123456789' })
  admin.now += 1
  await admin.call('provider_keys.add', {
    provider: 'openai',
    secret: 'sk-second-0123456789',
    label: 'second',
    weight: 4,
  })
  await admin.call('models.create', {
    name: 'smart',
    targets: [
      { provider: 'openai', model: 'gpt', priority: 2 },
      { provider: 'sim', model: 'echo' },
    ],
    prices: { input: '1', output: '2', cached_input: '0.1' },
    context_window: 1000,
    defaults: { temperature: 1 },
    caps: { max_tokens: 10 },
  })
  catalog = await live()
})
afterAll(async () => {
  catalog.close()
  await admin.close()
})

/** Waits for a condition that the watcher brings about; gives up, and fails the test, after two seconds. */
const eventually = async (condition: () => boolean): Promise<number> => {
  const start = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setInterval(() => {
    if (condition()) resolve()
    else if (performance.now() - start > 2000) reject(new Error('the snapshot did not follow'))
  }, 5)
  try {
    await promise
  } finally {
    clearInterval(timer)
  }
  return performance.now() - start
}

describe('the catalogue in memory', () => {
  test('is there at the start, with targets in order, opened keys and the price in force', () => {
    const model = catalog.resolve('smart')!
    expect(model).toMatchObject({
      name: 'smart',
      free: false,
      contextWindow: 1000,
      maxOutputTokens: null,
      defaults: { temperature: 1 },
      caps: { max_tokens: 10 },
    })
    expect(model.targets.map((target) => [target.provider.name, target.model, target.priority])).toEqual([
      ['sim', 'echo', 1],
      ['openai', 'gpt', 2],
    ])
    expect(model.targets[0]!.provider).toMatchObject({
      baseUrl: 'http://127.0.0.1:7777/v1',
      allowPrivate: ['127.0.0.1'],
      keys: [],
    })
    expect(model.targets[1]!.provider.keys.map((key) => [key.secret, key.weight])).toEqual([
      ['sk-first-0123456789', 1],
      ['sk-second-0123456789', 4],
    ])
    expect(model.priceAt(admin.now)?.price).toEqual({
      input: 1e9,
      output: 2e9,
      cachedInput: 1e8,
      cacheWrite5m: 1e9,
      cacheWrite1h: 1e9,
      reasoning: 2e9,
      request: 0,
    })
    expect(model.priceAt(admin.now - 1)).toBeNull()
    expect(catalog.resolve('nothing')).toBeUndefined()
    expect(catalog.problems()).toEqual([])
  })

  test('cannot be changed by who reads it', () => {
    const model = catalog.resolve('smart')!
    for (const part of [
      model,
      model.targets,
      model.targets[0]!,
      model.targets[0]!.provider,
      model.targets[0]!.provider.keys,
      catalog.list(),
    ])
      expect(Object.isFrozen(part)).toBe(true)
  })

  test('follows a write within a second, and one of another process too', async () => {
    await admin.call('models.create', { name: 'new', targets: [{ provider: 'sim', model: 'x' }], free: true })
    expect(await eventually(() => catalog.resolve('new') !== undefined)).toBeLessThan(1000)
    const other = await openAdministration(admin)
    try {
      await other.call('models.disable', { model: 'new' })
      expect(await eventually(() => catalog.resolve('new') === undefined)).toBeLessThan(1000)
    } finally {
      await other.close()
    }
  })

  test('a price that begins later is used from that moment without a reload', async () => {
    await admin.call('prices.set', { model: 'smart', input: '5', output: '6', from: '2026-03-01' })
    await catalog.refresh()
    const model = catalog.resolve('smart')!
    const begin = Date.UTC(2026, 2, 1)
    expect([model.priceAt(begin - 1)?.price.input, model.priceAt(begin)?.price.input]).toEqual([1e9, 5e9])
  })

  test('targets of a disabled provider and disabled keys take no part', async () => {
    await admin.call('provider_keys.disable', { key: 'second' })
    await catalog.refresh()
    expect(catalog.resolve('smart')!.targets[1]!.provider.keys).toHaveLength(1)
    await admin.call('providers.update', { provider: 'sim', status: 'disabled' })
    await catalog.refresh()
    expect(catalog.resolve('smart')!.targets.map((target) => target.provider.name)).toEqual(['openai'])
    await admin.call('providers.update', { provider: 'sim', status: 'active' })
    await catalog.refresh()
  })

  test('one key that cannot be opened is left out with a reason, and takes nothing else down', async () => {
    const { id } = await admin.call('provider_keys.add', {
      provider: 'openai',
      secret: 'sk-third-0123456789',
      label: 'broken',
    })
    await admin.storage.write(({ db }) =>
      db
        .updateTable('provider_keys')
        .set({ sealed: createVault(randomBytes(32)).seal('x', id) })
        .where('id', '=', id)
        .execute(),
    )
    await catalog.refresh()
    expect(catalog.problems()).toEqual([{ id, reason: 'A sealed secret cannot be opened.' }])
    expect(catalog.resolve('smart')!.targets[1]!.provider.keys.map((key) => key.secret)).toEqual([
      'sk-first-0123456789',
    ])
    const shown = (await admin.call('provider_keys.list', { provider: 'openai' })).data.find(
      (key: { id: string }) => key.id === id,
    )
    expect(shown.status_reason).toContain('master key')
    await admin.call('provider_keys.remove', { key: id })
  })

  test('with another master key models of keyless providers still work', async () => {
    const stranger = await live(createVault(randomBytes(32)))
    expect(stranger.resolve('smart')!.targets.map((target) => target.provider.name)).toEqual(['sim'])
    expect(stranger.problems().map((problem) => problem.reason)).toContain(
      'The provider openai has no key that can be used.',
    )
    stranger.close()
  })

  test('a row that makes no sense disables itself only', async () => {
    const broken = await admin.call('models.create', {
      name: 'broken',
      targets: [{ provider: 'sim', model: 'x' }],
      free: true,
    })
    const odd = await admin.call('providers.add', { name: 'odd', kind: 'openai', secret: 'sk-odd-0123456789' })
    await admin.storage.write(async ({ db }) => {
      await db.updateTable('models').set({ defaults: '{' }).where('id', '=', broken.id).execute()
      await db.updateTable('providers').set({ kind: 'from-the-future' }).where('id', '=', odd.id).execute()
    })
    await catalog.refresh()
    expect(
      catalog
        .problems()
        .map((problem) => problem.id)
        .toSorted(),
    ).toEqual([broken.id, odd.id].toSorted())
    expect(catalog.resolve('broken')).toBeUndefined()
    expect(catalog.resolve('smart')).toBeDefined()
  })

  test('who asks for a refresh while one runs gets what was written before', async () => {
    const running = catalog.refresh()
    await admin.call('models.create', { name: 'during', targets: [{ provider: 'sim', model: 'x' }], free: true })
    await Promise.all([running, catalog.refresh(), catalog.refresh()])
    expect(catalog.resolve('during')).toBeDefined()
  })

  test('a closed catalogue follows no more', async () => {
    const closed = await live()
    closed.close()
    const before = closed.loadedAt()
    await admin.call('models.delete', { model: 'during' })
    await eventually(() => catalog.resolve('during') === undefined)
    expect(closed.resolve('during')).toBeDefined()
    expect(closed.loadedAt()).toBe(before)
  })
})
