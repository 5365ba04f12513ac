import { readFileSync, readdirSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVault } from '../../src/core/kernel/secrets.ts'
import { openAdministration, type Administration } from '../support/administration.ts'

let admin: Administration
beforeAll(async () => {
  admin = await openAdministration()
})
afterAll(() => admin.close())

const refused = (code: string, text?: string) =>
  expect.objectContaining({ code, ...(text && { message: expect.stringContaining(text) }) })

describe('providers', () => {
  test('a provider is added with the address of its kind, shown, listed, changed and removed', async () => {
    const added = await admin.call('providers.add', { name: 'main', kind: 'openai', secret: 'sk-provider-secret-4711' })
    expect(added).toMatchObject({
      name: 'main',
      base_url: 'https://api.openai.com/v1',
      speaks: ['openai-chat', 'openai-responses'],
      keys: 1,
      status: 'active',
    })
    expect(await admin.call('providers.show', { provider: added.id })).toEqual(added)
    expect(await admin.call('providers.show', { provider: 'main' })).toEqual(added)
    const changed = await admin.call('providers.update', {
      provider: 'main',
      name: 'first',
      timeout_ms: 5000,
      status: 'disabled',
    })
    expect(changed).toMatchObject({
      id: added.id,
      name: 'first',
      timeout_ms: 5000,
      status: 'disabled',
      base_url: added.base_url,
    })
    expect(await admin.call('providers.update', { provider: 'first', timeout_ms: null })).toMatchObject({
      timeout_ms: null,
      status: 'disabled',
    })
    expect((await admin.call('providers.list', {})).data.map((one: { name: string }) => one.name)).toEqual(['first'])
    expect(await admin.call('providers.remove', { provider: 'first' })).toEqual({
      id: added.id,
      name: 'first',
      removed: true,
    })
    expect((await admin.call('provider_keys.list', {})).data).toEqual([])
    await expect(admin.call('providers.show', { provider: 'first' })).rejects.toEqual(refused('not_found'))
  })

  test('settings fill the braces of the address, and change it as long as it is that of the kind', async () => {
    const cloud = await admin.call('providers.add', {
      name: 'cloud',
      kind: 'bedrock',
      settings: { region: 'us-east-1' },
    })
    expect(cloud).toMatchObject({
      base_url: 'https://bedrock-runtime.us-east-1.amazonaws.com',
      settings: { region: 'us-east-1' },
    })
    expect(
      await admin.call('providers.update', { provider: 'cloud', settings: { region: 'eu-west-1' } }),
    ).toMatchObject({
      base_url: 'https://bedrock-runtime.eu-west-1.amazonaws.com',
    })
    const own = { provider: 'cloud', base_url: 'https://proxy.example' }
    expect(await admin.call('providers.update', own)).toMatchObject({
      base_url: own.base_url,
      settings: { region: 'eu-west-1' },
    })
    expect(
      await admin.call('providers.update', { provider: 'cloud', settings: { region: 'us-west-2' } }),
    ).toMatchObject({
      base_url: own.base_url,
      settings: { region: 'us-west-2' },
    })
    expect(await admin.call('providers.update', { provider: 'cloud', base_url: null })).toMatchObject({
      base_url: 'https://bedrock-runtime.us-west-2.amazonaws.com',
    })
    await admin.call('providers.remove', { provider: 'cloud' })
    const vertex = { name: 'cloud', kind: 'vertex', settings: { project: 'p-1', location: 'global' } }
    expect(await admin.call('providers.add', vertex)).toMatchObject({
      base_url: 'https://aiplatform.googleapis.com/v1/projects/p-1/locations/global',
    })
    await admin.call('providers.remove', { provider: 'cloud' })
  })

  test('an address of Azure may have its version as a query and nothing else', async () => {
    const base_url = 'https://r.openai.azure.com/openai?api-version=2024-10-21'
    expect(await admin.call('providers.add', { name: 'azure', kind: 'azure-openai', base_url })).toMatchObject({
      base_url,
    })
    await admin.call('providers.remove', { provider: 'azure' })
    for (const query of ['key=secret', 'api-version=1&api-version=2', 'api-version=1&key=x'])
      await expect(
        admin.call('providers.add', {
          name: 'azure',
          kind: 'azure-openai',
          base_url: `https://r.example/openai?${query}`,
        }),
      ).rejects.toEqual(refused('invalid_request', 'query'))
  })

  test('quirks are those of the kind, as they were switched, and can be as they were', async () => {
    const kinds = (await admin.call('providers.kinds', {})).data as { id: string; quirks: string[] }[]
    const own = kinds.find(({ id }) => id === 'mistral')!.quirks
    const add = { name: 'quirky', kind: 'mistral', quirks: { 'think-tags': true, 'missing-tool-index': false } }
    const added = await admin.call('providers.add', add)
    expect(added.quirks).toEqual([...own.filter((id) => id !== 'missing-tool-index'), 'think-tags'])
    const more = await admin.call('providers.update', { provider: 'quirky', quirks: { 'missing-tool-index': true } })
    expect(more.quirks).toEqual([...own, 'think-tags'])
    expect((await admin.call('providers.update', { provider: 'quirky', quirks: null })).quirks).toEqual(own)
    await expect(admin.call('providers.update', { provider: 'quirky', quirks: { nonsense: true } })).rejects.toThrow(
      'nonsense',
    )
    await admin.call('providers.remove', { provider: 'quirky' })
  })

  test.each<[string, string, string, string]>([
    ['a service account that is none', 'vertex', '{"client_email":"a"}', 'service account'],
    ['half an AWS key', 'bedrock', 'AKIA:', 'ACCESS_KEY_ID'],
    ['blanks in a key', 'openai', 'a b', 'one line'],
  ])('%s is refused', async (_, kind, secret, text) => {
    const settings =
      kind === 'openai'
        ? {}
        : { settings: kind === 'bedrock' ? { region: 'us-east-1' } : { project: 'p', location: 'l' } }
    await expect(admin.call('providers.add', { name: 'bad', kind, secret, ...settings })).rejects.toEqual(
      refused('invalid_request', text),
    )
  })

  test('kinds tell how they authenticate and what they must be told', async () => {
    const kinds = (await admin.call('providers.kinds', {})).data as Record<string, unknown>[]
    expect(kinds.find(({ id }) => id === 'vertex')).toMatchObject({
      auth: expect.stringContaining('service account') as string,
      settings: [{ name: 'project' }, { name: 'location' }],
    })
  })

  test.each([
    ['settings that are missing', { kind: 'vertex', settings: { project: 'p' } }, 'need location'],
    ['all settings that are missing', { kind: 'vertex' }, 'need project (id of the Google Cloud project), location'],
    ['a setting the kind has not', { kind: 'openai', settings: { region: 'x' } }, 'no settings'],
    ['a setting by a wrong name', { kind: 'bedrock', settings: { zone: 'x' } }, 'no setting "zone"'],
    [
      'a setting that leaves the host',
      { kind: 'bedrock', settings: { region: 'x.evil.example/' } },
      'lower-case letters',
    ],
    ['a query', { kind: 'vllm', base_url: 'https://example.com/v1?a=1' }, 'query'],
    ['an unknown kind', { kind: 'nothing' }, 'kind'],
    ['no base URL where the kind has none', { kind: 'vllm' }, 'base_url'],
    ['a protocol the kind does not speak', { kind: 'openai', speaks: ['anthropic-messages'] }, 'speaks'],
    ['a private address', { kind: 'vllm', base_url: 'http://10.1.2.3/v1' }, 'private'],
    ['loopback by name', { kind: 'vllm', base_url: 'http://localhost:8000/v1' }, 'loopback'],
    ['cloud metadata', { kind: 'vllm', base_url: 'http://169.254.169.254/v1' }, 'link-local'],
    ['credentials in the URL', { kind: 'vllm', base_url: 'https://u:p@example.com/v1' }, 'credentials'],
    ['a fragment', { kind: 'vllm', base_url: 'https://example.com/v1#x' }, 'fragment'],
    ['another scheme', { kind: 'vllm', base_url: 'file:///etc/passwd' }, 'http'],
    [
      'an entry that is no host',
      { kind: 'vllm', base_url: 'https://example.com/v1', allow_private: ['10.0.0.0/99'] },
      '10.0.0.0/99',
    ],
  ])('%s is refused and nothing is kept', async (_, settings, text) => {
    await expect(admin.call('providers.add', { name: 'bad', ...settings })).rejects.toEqual(
      refused('invalid_request', text),
    )
    expect((await admin.call('providers.list', { q: 'bad' })).data).toEqual([])
  })

  test('a private address is taken when its host is allowed by name, and only that one', async () => {
    const added = await admin.call('providers.add', {
      name: 'local',
      kind: 'vllm',
      base_url: 'http://localhost:8000/v1/',
      allow_private: true,
    })
    expect(added).toMatchObject({ base_url: 'http://localhost:8000/v1', allow_private: ['localhost'] })
    await expect(admin.call('providers.update', { provider: 'local', base_url: 'http://10.0.0.1/v1' })).rejects.toEqual(
      refused('invalid_request'),
    )
    await expect(admin.call('providers.update', { provider: 'local', allow_private: null })).rejects.toEqual(
      refused('invalid_request'),
    )
  })

  test('a name is taken once, and by no id', async () => {
    await admin.call('providers.add', { name: 'once', kind: 'openai' })
    await expect(admin.call('providers.add', { name: 'once', kind: 'openai' })).rejects.toEqual(
      refused('already_exists'),
    )
    await expect(admin.call('providers.update', { provider: 'local', name: 'once' })).rejects.toEqual(
      refused('already_exists'),
    )
    await expect(
      admin.call('providers.add', { name: 'prv_01m7xx76y87b6tbtqvz491b2t1', kind: 'openai' }),
    ).rejects.toEqual(refused('invalid_request'))
    for (const name of ['', 'a/b', 'a b', '-a', 'x'.repeat(65)])
      await expect(admin.call('providers.add', { name, kind: 'openai' })).rejects.toThrow(
        expect.objectContaining({ name: expect.stringContaining('Zod') }),
      )
  })

  test('a provider that a model uses stays', async () => {
    await admin.call('providers.add', { name: 'used', kind: 'simulated' })
    await admin.call('models.create', { name: 'uses', free: true, targets: [{ provider: 'used', model: 'm' }] })
    await expect(admin.call('providers.remove', { provider: 'used' })).rejects.toEqual(refused('conflict', 'uses'))
  })

  test('what people search for is taken literally', async () => {
    expect((await admin.call('providers.list', { q: '%' })).data).toEqual([])
    expect((await admin.call('providers.list', { q: '_' })).data).toEqual([])
    expect((await admin.call('providers.list', { q: '\\' })).data).toEqual([])
    expect((await admin.call('providers.list', { q: 'onc' })).data).toHaveLength(1)
  })

  test('a test says what the provider answered and with which key', async () => {
    await admin.call('provider_keys.add', { provider: 'once', secret: 'sk-good-0123456789' })
    const seen: (string | undefined)[] = []
    admin.probe = async (provider, key) => {
      seen.push(provider.baseUrl, key?.secret)
      return { status: 401, latencyMs: 12.4, models: null, failure: null }
    }
    expect(await admin.call('providers.test', { provider: 'once' })).toMatchObject({
      provider: 'once',
      key: 'default',
      ok: false,
      status: 401,
      latency_ms: 12,
    })
    expect(seen).toEqual(['https://api.openai.com/v1', 'sk-good-0123456789'])
    admin.probe = async () => ({ status: 200, latencyMs: 5, models: ['a', 'b'], failure: null })
    expect(await admin.call('provider_keys.test', { key: 'once/default' })).toMatchObject({ ok: true, models: 2 })
    await expect(admin.call('provider_keys.test', { key: 'once/nothing' })).rejects.toEqual(refused('not_found'))
  })
})

describe('provider keys', () => {
  test('a secret goes in and never comes out: four characters are shown, none of a short one', async () => {
    await admin.call('providers.add', { name: 'keys', kind: 'openai' })
    const long = await admin.call('provider_keys.add', {
      provider: 'keys',
      secret: ' sk-0123456789-WXYZ\n',
      label: 'long',
      weight: 3,
    })
    const short = await admin.call('provider_keys.add', { provider: 'keys', secret: 'short' })
    expect(long).toMatchObject({ label: 'long', hint: 'WXYZ', weight: 3, provider: { name: 'keys' } })
    expect(short).toMatchObject({ label: 'default', hint: '****' })
    const shown = JSON.stringify([
      long,
      short,
      await admin.call('provider_keys.list', {}),
      await admin.call('providers.list', {}),
    ])
    expect(shown).not.toContain('0123456789')
    expect(shown).not.toContain('sealed')
  })

  test('a key is disabled, enabled and removed by label or id; a label is taken once per provider', async () => {
    expect(await admin.call('provider_keys.disable', { key: 'keys/long' })).toMatchObject({
      status: 'disabled',
      status_reason: expect.any(String),
    })
    expect(await admin.call('provider_keys.enable', { key: 'long' })).toMatchObject({
      status: 'active',
      status_reason: null,
    })
    await expect(admin.call('provider_keys.add', { provider: 'keys', secret: 'x', label: 'long' })).rejects.toEqual(
      refused('already_exists'),
    )
    await expect(admin.call('provider_keys.disable', { key: 'default' })).rejects.toEqual(
      refused('conflict', '/default'),
    )
    expect(await admin.call('provider_keys.remove', { key: 'long' })).toMatchObject({
      name: 'keys/long',
      removed: true,
    })
    await expect(admin.call('provider_keys.enable', { key: 'long' })).rejects.toEqual(refused('not_found'))
  })

  test.each(['two\nlines', 'tab\there', 'ümlaut', '\r\n'])(
    'a secret that could break a header is refused: %j',
    async (secret) => {
      await expect(admin.call('provider_keys.add', { provider: 'keys', secret })).rejects.toEqual(
        refused('invalid_request'),
      )
    },
  )

  test('lists come in pages that miss nothing and repeat nothing', async () => {
    for (let number = 0; number < 7; number++)
      await admin.call('provider_keys.add', { provider: 'keys', secret: `sk-secret-${number}`, label: `p${number}` })
    const labels: string[] = []
    let cursor: string | null = null
    do {
      const page = await admin.call('provider_keys.list', {
        provider: 'keys',
        limit: 3,
        ...(cursor !== null && { cursor }),
      })
      labels.push(...page.data.map((one: { label: string }) => one.label))
      cursor = page.next_cursor
    } while (cursor !== null && labels.length < 100)
    expect(labels).toEqual(['default', 'p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6'])
  })

  test('the files of the database hold no secret, and a sealed one opens neither with another master key nor in another row', async () => {
    const secret = 'sk-very-secret-and-easy-to-find-in-a-file'
    const { id } = await admin.call('provider_keys.add', { provider: 'keys', secret, label: 'sealed' })
    for (const file of readdirSync(admin.dataDir, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue
      const bytes = readFileSync(join(file.parentPath, file.name))
      expect(bytes.includes(secret)).toBe(false)
      expect(bytes.includes(Buffer.from(secret).toString('base64').slice(0, 24))).toBe(false)
    }
    const row = await admin.storage.read
      .selectFrom('provider_keys')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(admin.vault.open(row.sealed, id)).toBe(secret)
    expect(() => createVault(randomBytes(32)).open(row.sealed, id)).toThrow('sealed secret')
    expect(() => admin.vault.open(row.sealed, 'pvk_another')).toThrow('sealed secret')
  })
})
