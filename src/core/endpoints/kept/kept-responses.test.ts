import { describe, expect, test } from 'vitest'
import { readRecordingsIn, recordingsPresent } from '../../../../test/support/recordings.ts'
import { answered, sentBody, sideRoad } from '../../../../test/support/side-road.ts'
import { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../protocols/neutral/index.ts'
import type { Place } from '../../protocols/protocol.ts'
import { UnreadableAnswer } from '../endpoint.ts'
import { keptResponseEndpoints } from './kept-responses.ts'

const roadOf = (endpoint: string, place: Place = {}, target: { kind?: string; model?: string } = {}) => {
  const found = keptResponseEndpoints.find(({ id }) => id === endpoint)!
  return sideRoad(found, {}, { kind: 'openai', ...target, place: { id: 'resp_1', ...place } })
}
const query = (text: string) => ({ query: new URLSearchParams(text) })
const lookup = () => undefined

describe('where a call goes', () => {
  test.each([
    ['response-retrieve', 'GET', '/responses/resp_1'],
    ['response-delete', 'DELETE', '/responses/resp_1'],
    ['response-cancel', undefined, '/responses/resp_1/cancel'],
    ['response-input-items', 'GET', '/responses/resp_1/input_items'],
  ])('%s', (endpoint, method, path) => {
    const road = roadOf(endpoint)
    expect(road).toMatchObject({ path, straight: true, protocol: 'openai-responses' })
    expect(road.method).toBe(method)
    if (method) expect(road.request(undefined)).toHaveLength(0)
    else expect(sentBody(road)).toEqual({})
  })

  test('an id cannot leave its step of the path', () => {
    expect(roadOf('response-retrieve', { id: 'a/../b?c#d' }).path).toBe('/responses/a%2F..%2Fb%3Fc%23d')
  })

  test('only what the call knows passes of the query', () => {
    const asked = query(
      'stream=true&starting_after=4&include[]=a&include%5B0%5D=b&include_obfuscation=false&key=sk&x=y',
    )
    expect(roadOf('response-retrieve', asked).path).toBe(
      '/responses/resp_1?stream=true&starting_after=4&include%5B%5D=a&include%5B0%5D=b&include_obfuscation=false',
    )
    expect(roadOf('response-input-items', query('after=a&order=asc&limit=3&stream=true')).path).toBe(
      '/responses/resp_1/input_items?after=a&order=asc&limit=3',
    )
    expect(roadOf('response-delete', query('limit=3')).path).toBe('/responses/resp_1')
  })

  test('a provider that speaks it no more is not asked', () => {
    expect(() => roadOf('response-retrieve', {}, { kind: 'openai-compatible' })).toThrow(GatewayError)
  })
})

describe('what comes back', () => {
  const response = { id: 'resp_1', object: 'response', model: 'real-model', output: [], usage: { input_tokens: 9 } }

  test('names the shadow model, and nothing of it is charged', () => {
    const { json, observed } = answered(roadOf('response-retrieve'), response)
    expect(json).toEqual({ ...response, model: 'shadow' })
    expect(observed).toEqual({ deliveredChars: 0, complete: true })
  })

  test.each<[string, unknown]>([
    ['response-retrieve', { object: 'list', data: [] }],
    ['response-retrieve', []],
    ['response-input-items', response],
    ['response-cancel', 'cancelled'],
  ])('of %s is not what it should be: %j', (endpoint, answer) => {
    expect(() => answered(roadOf(endpoint), answer)).toThrow(UnreadableAnswer)
  })

  test('of a deletion that did not happen is an error', () => {
    expect(answered(roadOf('response-delete'), { id: 'resp_1', deleted: true }).json).toMatchObject({ deleted: true })
    expect(() => answered(roadOf('response-delete'), { id: 'resp_1', deleted: false })).toThrow(GatewayError)
  })

  test.each([
    [404, 'response_not_found'],
    [405, undefined],
    [400, 'x'],
  ])('status %i', (status, code) => {
    const body = Buffer.from('{"error":{"message":"real-model","code":"x"}}')
    const failure = roadOf('response-retrieve').decodeError(status, lookup, body)
    expect(failure).toMatchObject({ class: 'client', status })
    expect(failure.code).toBe(code)
  })
})

describe.skipIf(!recordingsPresent)('recorded answers', () => {
  const recordings = recordingsPresent ? readRecordingsIn('openai-responses-item') : []

  test.each(recordings)('$id pass but for the name of the model', ({ response: { json, chunks } }) => {
    const whole = chunks?.join('') ?? ''
    const real = /"model":"([^"]+)"/.exec(json ? JSON.stringify(json) : whole)![1]!
    const road = roadOf('response-retrieve', query(json ? '' : 'stream=true'), { model: real })
    if (json) {
      expect(answered(road, json).json).toEqual({ ...json, model: 'shadow' } satisfies JsonObject)
      return
    }
    const stream = road.stream()
    const out = [...chunks!.map((chunk) => stream.push(Buffer.from(chunk))), stream.finish()].map(String).join('')
    expect(out).toBe(whole.replaceAll(`"model":"${real}"`, '"model":"shadow"'))
    expect(stream.observed).toEqual({ deliveredChars: 0, complete: true })
  })
})

test('a stream that tells an error ends with it, numbered as it goes on', () => {
  const stream = roadOf('response-retrieve', query('stream=true')).stream()
  stream.push(
    Buffer.from('event: error\ndata: {"type":"error","sequence_number":7,"code":"server_error","message":"x"}\n\n'),
  )
  expect(stream.observed).toMatchObject({ complete: false, failure: { message: 'x' } })
  expect(stream.fail!(new GatewayError('upstream_error'), 'req_1')).toMatch(/"sequence_number":7/)
})
