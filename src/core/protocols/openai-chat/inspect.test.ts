import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { inspect } from './inspect.ts'

const body = (fields: object): Buffer =>
  Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...fields }))

const refusal = (fields: object): { code: string; param: string | undefined } => {
  try {
    inspect(body(fields))
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, param: error.details.param }
    throw error
  }
  throw new Error('was accepted')
}

describe('what admission learns', () => {
  test('of the smallest request', () => {
    const { scanned, prompt: _prompt, ...facts } = inspect(body({}))
    expect(scanned.fields.has('messages')).toBe(true)
    expect(facts).toEqual({ model: 'm', stream: false, includeUsage: false, choices: 1, remoteParts: 0 })
  })

  test('of a full one', () => {
    const {
      scanned: _,
      prompt: _prompt,
      ...facts
    } = inspect(
      body({ stream: true, stream_options: { include_usage: true }, n: 3, max_tokens: 7, max_completion_tokens: 7 }),
    )
    expect(facts).toEqual({ model: 'm', stream: true, includeUsage: true, choices: 3, remoteParts: 0, maxTokens: 7 })
  })

  test('null is the same as absent', () => {
    const absent = { stream: null, stream_options: null, n: null, max_tokens: null, max_completion_tokens: null }
    const { scanned: _, prompt: _prompt, ...facts } = inspect(body(absent))
    expect(facts).toEqual({ model: 'm', stream: false, includeUsage: false, choices: 1, remoteParts: 0 })
  })
})

describe('a refusal names the field', () => {
  test.each([
    [{ model: undefined }, 'model'],
    [{ model: '' }, 'model'],
    [{ model: 5 }, 'model'],
    [{ model: 'a\nb' }, 'model'],
    [{ model: 'm'.repeat(257) }, 'model'],
    [{ messages: undefined }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: {} }, 'messages'],
    [{ messages: 'hi' }, 'messages'],
    [{ stream: 'true' }, 'stream'],
    [{ stream: 1 }, 'stream'],
    [{ stream_options: { include_usage: true } }, 'stream_options'],
    [{ stream: false, stream_options: {} }, 'stream_options'],
    [{ stream: true, stream_options: [] }, 'stream_options'],
    [{ stream: true, stream_options: { include_usage: 'yes' } }, 'stream_options.include_usage'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ max_tokens: 1.5 }, 'max_tokens'],
    [{ max_completion_tokens: -1 }, 'max_completion_tokens'],
    [{ max_completion_tokens: '9' }, 'max_completion_tokens'],
    [{ max_tokens: 5, max_completion_tokens: 6 }, 'max_tokens'],
    [{ n: 0 }, 'n'],
    [{ n: 129 }, 'n'],
    [{ n: 1.5 }, 'n'],
  ])('%j', (fields, param) => {
    expect(refusal(fields)).toEqual({ code: 'invalid_request', param })
  })

  test.each(['max_tokens', 'max_completion_tokens'])('a limit beyond exact numbers is told its bounds: %s', (field) => {
    expect(() => inspect(body({ [field]: 1e18 }))).toThrow(
      `${field}: must be a whole number from 1 to 9007199254740991.`,
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
  ])('%s would choose destination or credentials', (field) => {
    expect(refusal({ [field]: null })).toEqual({ code: 'forbidden_field', param: field })
  })
})

describe('inputs that are billed beyond their bytes', () => {
  const parts = (...content: object[]) => inspect(body({ messages: [{ role: 'user', content }] })).remoteParts

  test('images by address and files by id count, inline ones and mere words do not', () => {
    expect(parts({ type: 'image_url', image_url: { url: 'https://a/b.png' } })).toBe(1)
    expect(parts({ type: 'image_url', image_url: { detail: 'high', url: 'https://a/b.png' } })).toBe(1)
    expect(parts({ type: 'image_url', image_url: 'https://a/b.png' })).toBe(1)
    expect(parts({ type: 'file', file: { file_id: 'file-1' } })).toBe(1)
    expect(parts({ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } })).toBe(0)
    expect(parts({ type: 'text', text: '{"image_url": {"url": "https://a"}}' })).toBe(0)
  })

  test('an escape does not hide one', () => {
    const text =
      '{"model":"m","messages":[{"role":"user","content":[{"type":"image\\u005furl","image\\u005furl":{"url":"https://a"}}]}]}'
    expect(inspect(Buffer.from(text)).remoteParts).toBe(1)
  })
})
