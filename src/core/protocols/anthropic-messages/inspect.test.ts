import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../kernel/errors.ts'
import { inspect } from './inspect.ts'

const good = { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] }
const facts = (body: unknown) => inspect(Buffer.from(JSON.stringify(body)))
const refusal = (body: unknown): GatewayError => {
  try {
    facts(body)
  } catch (error) {
    return error as GatewayError
  }
  throw new Error('was accepted')
}

describe('inspect', () => {
  test('tells what admission needs', () => {
    expect(facts(good)).toMatchObject({
      model: 'm',
      stream: false,
      maxTokens: 10,
      includeUsage: true,
      choices: 1,
      remoteParts: 0,
    })
    expect(facts({ ...good, stream: true, max_tokens: 0 })).toMatchObject({ stream: true, maxTokens: 0 })
  })

  test.each([
    ['model', { ...good, model: undefined }],
    ['model', { ...good, model: '' }],
    ['model', { ...good, model: 7 }],
    ['model', { ...good, model: 'a\nb' }],
    ['model', { ...good, model: 'x'.repeat(257) }],
    ['max_tokens', { ...good, max_tokens: undefined }],
    ['max_tokens', { ...good, max_tokens: -1 }],
    ['max_tokens', { ...good, max_tokens: 1.5 }],
    ['max_tokens', { ...good, max_tokens: '10' }],
    ['max_tokens', { ...good, max_tokens: null }],
    ['stream', { ...good, stream: 'true' }],
    ['stream', { ...good, stream: null }],
    ['messages', { ...good, messages: undefined }],
    ['messages', { ...good, messages: [] }],
    ['messages', { ...good, messages: {} }],
    ['messages', { ...good, messages: 'hi' }],
  ])('refuses a wrong %s and names it', (param, body) => {
    expect(refusal(body)).toMatchObject({ code: 'invalid_request', status: 400, details: { param } })
  })

  test('a limit beyond exact numbers is told its bounds', () => {
    expect(() => facts({ ...good, max_tokens: 1e18 })).toThrow(
      'max_tokens: must be a whole number from 0 to 9007199254740991.',
    )
  })

  test.each([
    'api_base',
    'base_url',
    'api_key',
    'custom_llm_provider',
    'extra_headers',
    'proxy',
    'organization',
    'timeout',
  ])('a client may not choose destination or credentials: %s', (param) => {
    expect(refusal({ ...good, [param]: 'x' })).toMatchObject({ code: 'forbidden_field', details: { param } })
  })

  test('unknown fields pass', () => {
    expect(facts({ ...good, context_management: { edits: [] }, something_new: 1 }).model).toBe('m')
  })

  test('counts what is fetched by URL or file id, and is not fooled by escapes', () => {
    const image = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }
    const file = { type: 'document', source: { type: 'file', file_id: 'file_1' } }
    const body = { ...good, messages: [{ role: 'user', content: [image, image, file] }] }
    expect(facts(body).remoteParts).toBe(3)
    const hidden = JSON.stringify(body).replaceAll('"url"', String.raw`"\u0075rl"`)
    expect(inspect(Buffer.from(hidden)).remoteParts).toBe(3)
  })
})
