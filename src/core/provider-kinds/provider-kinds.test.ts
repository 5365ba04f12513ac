import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkBaseUrl } from '../upstream/base-url.ts'
import { filledBaseUrl } from '../catalog/provider-address.ts'
import { quirksOf } from '../protocols/openai-chat/quirks.ts'
import { filterBetas } from './anthropic-headers.ts'
import { providerKindById, providerKinds } from './index.ts'
import type { ProviderKind } from './provider-kind.ts'

const secret = 'secret-canary-1'
const clientHeaders = {
  authorization: 'Bearer client-secret',
  'x-api-key': 'client-secret',
  'x-goog-api-key': 'client-secret',
  cookie: 'client-secret',
  'openai-organization': 'client-secret',
  'openai-project': 'client-secret',
  'anthropic-workspace-id': 'client-secret',
  host: 'client-secret',
  'x-client-request-id': 'c-1',
}

const call = (
  kind: ProviderKind,
  client: Record<string, string> = {},
  key: string | null = secret,
): Record<string, string> => kind.headers({ protocol: kind.speaks[0]!, model: 'm', stream: false, secret: key, client })

test('no two kinds share an id, and each is found by its own', () => {
  expect(new Set(providerKinds.map(({ id }) => id)).size).toBe(providerKinds.length)
  for (const kind of providerKinds) expect(providerKindById(kind.id)).toBe(kind)
  expect(providerKindById('constructor')).toBeUndefined()
})

describe.each(providerKinds.map((kind) => [kind.id, kind] as const))('%s', (id, kind) => {
  test('has a plain id, a title and documentation', () => {
    expect(id).toMatch(/^[a-z][a-z0-9-]*$/)
    expect(kind.title).not.toBe('')
    expect(kind.docs).not.toBe('')
    expect(kind.speaks.length).toBeGreaterThan(0)
  })

  test('has a base URL that may be saved as it stands, with a setting for each of its braces', () => {
    const braces = [...(kind.baseUrl ?? '').matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name!)
    expect(new Set(braces)).toEqual(new Set((kind.settings ?? []).map(({ name }) => name)))
    const settings = Object.fromEntries(braces.map((name) => [name, 'eu-1']))
    const filled = filledBaseUrl(kind, settings)
    expect(filled && checkBaseUrl(filled, ['127.0.0.1'])).toBe(filled)
    if (braces.length > 0) expect(() => filledBaseUrl(kind, {})).toThrow(new RegExp(braces[0]!))
  })

  test('tells how it authenticates, and that is what it does', () => {
    expect(kind.auth).not.toBe('')
    const [header] = Object.entries(call(kind)).find(([, value]) => value.includes(secret)) ?? ['none']
    if (!kind.token) expect(kind.auth.toLowerCase()).toContain(header)
  })

  test('names each of its quirks once, and only where it speaks Chat Completions', () => {
    const quirks = kind.quirks ?? []
    expect(quirksOf(quirks).ids).toHaveLength(quirks.length)
    if (quirks.length > 0) expect(kind.speaks).toContain('openai-chat')
  })

  test('has a path of its own only below its base URL', () => {
    for (const protocol of kind.speaks)
      for (const stream of [false, true]) {
        const baseUrl = 'https://host.example/openai'
        const path = kind.path?.({ protocol, model: 'a/b c?d', stream, baseUrl, client: {} }) ?? '/x'
        expect(path).toMatch(/^\/[\x21-\x7e]*$/)
        expect(path).not.toMatch(/a\/b|c\?d/)
      }
  })

  test('sends nothing of the client that could be a credential or an account', () => {
    const headers = call(kind, clientHeaders)
    expect(JSON.stringify(headers)).not.toContain('client-secret')
    expect(headers['x-client-request-id']).toBe('c-1')
  })

  test('sends its secret in exactly one header, and none without a secret', () => {
    const carrying = Object.values(call(kind)).filter((value) => value.includes(secret))
    expect(carrying).toHaveLength(id === 'simulated' ? 0 : 1)
    expect(Object.values(call(kind, {}, null)).filter((value) => value.includes('null'))).toEqual([])
    expect(Object.keys(call(kind, {}, null))).not.toContain('authorization')
    expect(Object.keys(call(kind, {}, null))).not.toContain('x-api-key')
  })

  test('makes a new header object for each call', () => {
    expect(call(kind)).not.toBe(call(kind))
  })

  test('names client headers in lower case', () => {
    for (const name of kind.forwardHeaders) expect(name).toBe(name.toLowerCase())
  })
})

test('the documentation lists every kind with its base URL, and tells how to add it', () => {
  const read = (page: string): string => readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8')
  const table = read('provider-kinds.md')
  const guide = read('providers.md')
  for (const { id, title, baseUrl } of providerKinds) {
    expect(table).toContain(`| \`${id}\` | ${title} | ${baseUrl === null ? '' : `\`${baseUrl}\` |`}`)
    expect([`--kind ${id}`, `\`${id}\``].some((mention) => guide.includes(mention))).toBe(true)
  }
})

describe('anthropic', () => {
  const anthropic = providerKindById('anthropic')!

  test('speaks the version of the client, or 2023-06-01 when it named none that is one', () => {
    expect(call(anthropic)).toEqual({ 'anthropic-version': '2023-06-01', 'x-api-key': secret })
    expect(call(anthropic, { 'anthropic-version': 'newest' })['anthropic-version']).toBe('2023-06-01')
    expect(call(anthropic, { 'anthropic-version': '2023-01-01' })['anthropic-version']).toBe('2023-01-01')
  })

  test('sends the key as a bearer token to the API version whose own SDK does', () => {
    expect(call(anthropic, { 'anthropic-version': '2026-10-21' })).toEqual({
      'anthropic-version': '2026-10-21',
      authorization: `Bearer ${secret}`,
    })
  })

  test.each([
    ['prompt-caching-2024-07-31,  pdfs-2024-09-25', 'prompt-caching-2024-07-31,pdfs-2024-09-25'],
    ['a-2024-01-01,a-2024-01-01', 'a-2024-01-01'],
    ['oauth-2025-04-20,context-1m-2025-08-07', 'context-1m-2025-08-07'],
    ['oauth-2025-04-20', undefined],
    ['Bad Name,,<x>', undefined],
    ['', undefined],
  ])('passes of the betas %j only %j', (given, passed) => {
    expect(filterBetas(given)).toBe(passed)
    expect(call(anthropic, { 'anthropic-beta': given })['anthropic-beta']).toBe(passed)
  })
})
