import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { inspect } from './inspect.ts'

const body = (fields: object): Buffer => Buffer.from(JSON.stringify({ model: 'm', input: 'hi', ...fields }))

const refusalOf = (bytes: Buffer): [code: string, param: string | undefined] => {
  try {
    inspect(bytes)
  } catch (error) {
    if (error instanceof GatewayError) return [error.code, error.details.param]
    throw error
  }
  throw new Error('was accepted')
}

describe('what admission learns', () => {
  test('of the smallest request', () => {
    const { scanned, prompt: _prompt, ...facts } = inspect(body({}))
    expect(scanned.fields.has('input')).toBe(true)
    expect(facts).toEqual({ model: 'm', stream: false, includeUsage: true, choices: 1, remoteParts: 0 })
  })

  test('of a full one', () => {
    const image = (url: string) => ({ type: 'input_image', image_url: url })
    const content = [
      image('https://example.org/a.png'),
      image('data:image/png;base64,AAAA'),
      { type: 'input_file', file_id: 'f' },
    ]
    const input = [{ role: 'user', content }]
    const tools = [{ type: 'function', name: 'f', parameters: { properties: { file_url: { type: 'string' } } } }]
    const {
      scanned: _,
      prompt: _prompt,
      ...facts
    } = inspect(body({ input, tools, stream: true, max_output_tokens: 7 }))
    expect(facts).toEqual({ model: 'm', stream: true, includeUsage: true, choices: 1, remoteParts: 2, maxTokens: 7 })
  })

  test('the response that it goes on from', () => {
    expect(inspect(body({ previous_response_id: 'resp_1' })).refersTo).toBe('resp_1')
    expect(inspect(Buffer.from('{"model":"m","previous\\u005fresponse_id":"x","input":"hi"}')).refersTo).toBe('x')
  })

  test('which response is gone on from; whose it is, admission finds out', () => {
    expect(inspect(body({ previous_response_id: 'resp_1' })).refersTo).toBe('resp_1')
  })

  test('null is the same as absent', () => {
    const absent = {
      stream: null,
      stream_options: null,
      max_output_tokens: null,
      previous_response_id: null,
      conversation: null,
      prompt: null,
    }
    const { scanned: _, prompt: _prompt, ...facts } = inspect(body({ ...absent, background: false }))
    expect(facts).toEqual({ model: 'm', stream: false, includeUsage: true, choices: 1, remoteParts: 0 })
  })
})

test.each<[object, string]>([
  [{ model: undefined }, 'model'],
  [{ model: 'a\nb' }, 'model'],
  [{ input: undefined }, 'input'],
  [{ input: [] }, 'input'],
  [{ input: {} }, 'input'],
  [{ stream: 'true' }, 'stream'],
  [{ stream_options: {} }, 'stream_options'],
  [{ max_output_tokens: 0 }, 'max_output_tokens'],
  [{ max_output_tokens: 1.5 }, 'max_output_tokens'],
  [{ previous_response_id: '' }, 'previous_response_id'],
  [{ previous_response_id: '' }, 'previous_response_id'],
  [{ previous_response_id: { id: 'resp_1' } }, 'previous_response_id'],
])('%j is refused with its field', (fields, param) => {
  expect(refusalOf(body(fields))).toEqual(['invalid_request', param])
})

test('fields by which a client would choose a destination are refused', () => {
  expect(refusalOf(body({ base_url: 'https://x' }))).toEqual(['forbidden_field', 'base_url'])
})

describe("another user's answers cannot be reached through the account that all users share", () => {
  test.each<[object, string]>([
    [{ input: undefined, prompt: { id: 'pmpt_1' } }, 'prompt'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ conversation: { id: 'conv_1' } }, 'conversation'],
    [{ background: true }, 'background'],
    [
      {
        input: [
          { role: 'user', content: 'a' },
          { type: 'item_reference', id: 'msg_1' },
        ],
      },
      'input[1]',
    ],
    [{ input: [{ id: 'msg_1' }] }, 'input[0]'],
    [{ input: [{ id: 'msg_1', type: null }] }, 'input[0]'],
  ])('%j', (fields, param) => {
    expect(refusalOf(body(fields))).toEqual(['unsupported_parameter', param])
  })

  test.each([
    '{"model":"m","input":[{"t\\u0079pe":"item_reference","id":"x"}]}',
    '{"model":"m","input":[ {"type" : "item\\u005freference", "id":"x"} ]}',
    '{"model":"m","input":[[1],{"type":"message","type":"item_reference","role":"user","id":"x"}]}',
    '{"model":"m","input":[{"role":"user","content":"\\\\"},{"\\u0069d":"x"}]}',
    '{"model":"m","conver\\u0073ation":"x","input":"hi"}',
  ])('however it is written: %s', (text) => {
    expect(refusalOf(Buffer.from(text))[0]).toBe('unsupported_parameter')
  })

  test.each([
    [{ type: 'message', id: 'msg_1', role: 'user', content: 'the type "item_reference"' }],
    [{ id: 'msg_1', role: 'user', content: [{ type: 'input_text', text: 'x', id: 'y' }] }],
    [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '{"type":"item_reference"}', id: 'fc' }],
    [{ role: 'user', content: '\u001b[1m"} ]{"type":"item_reference"\\' }],
  ])('what only looks like it passes: %j', (item) => {
    expect(inspect(body({ input: [item] })).model).toBe('m')
  })
})
