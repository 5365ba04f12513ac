import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import type { Observed } from '../protocol.ts'
import { jsonArrayFraming } from './json-array.ts'
import { createTap } from './tap.ts'

const chunk = (text: string, rest: object = {}): string =>
  JSON.stringify({ candidates: [{ content: { parts: [{ text }] }, ...rest }], modelVersion: 'real' })
const all = [chunk('Zürich\r\n\r\n'), chunk('🙂'), chunk('', { finishReason: 'STOP' })]
const bytes = Buffer.from(all.map((json) => `data: ${json}\r\n\r\n`).join(''))
const road = () => jsonArrayFraming(createTap({ model: 'shadow', includeUsage: true }))
const push = (stream: ReturnType<typeof road>, given: Buffer, size: number): string => {
  let out = ''
  for (let at = 0; at < given.length; at += size) out += stream.push(given.subarray(at, at + size)).toString()
  return out
}
const error = new GatewayError('upstream_disconnected')

describe('a stream as one array', () => {
  test.each([1, 13, 4096])('has the same chunks, cut every %i bytes', (size) => {
    const stream = road()
    const out = push(stream, bytes, size) + stream.finish().toString()
    expect(JSON.parse(out)).toEqual(all.map((json) => JSON.parse(json.replace('"real"', '"shadow"')) as unknown))
    expect(stream.contentType).toBe('application/json; charset=utf-8')
    expect(stream.observed).toMatchObject({ complete: true })
  })

  test.each(['garbage', 'null', '5', '[]', '{"candidates":'])(
    'an event that says %s is an error, no element',
    (data) => {
      for (const end of ['', `data: ${all[2]}\r\n\r\n`]) {
        const stream = road()
        const out = push(stream, Buffer.from(`data: ${all[0]}\r\n\r\ndata: ${data}\r\n\r\n${end}`), 4096)
        expect(stream.observed).toMatchObject({ complete: false, failure: { status: expect.any(Number) as number } })
        expect(JSON.parse(out + stream.fail!(error, 'req_1'))).toMatchObject([{ candidates: [{}] }, { error: {} }])
      }
      const whole = road()
      const out = push(whole, Buffer.concat([bytes, Buffer.from(`data: ${data}\r\n\r\n`)]), 4096)
      expect(whole.observed.failure).toBeUndefined()
      expect(JSON.parse(out + whole.finish().toString())).toHaveLength(3)
    },
  )

  test('grows: every element is out with its chunk', () => {
    const stream = road()
    const first = stream.push(Buffer.from(`data: ${all[0]}\r\n\r\n`)).toString()
    expect(JSON.parse(`${first}]`)).toHaveLength(1)
    const second = stream.push(Buffer.from(`data: ${all[1]}\r\n\r\n`)).toString()
    expect(JSON.parse(`${first}${second}]`)).toHaveLength(2)
  })

  test('a cut stream is not closed by itself; our error is its last element', () => {
    const stream = road()
    const out = push(stream, Buffer.from(`data: ${all[0]}\r\n\r\n`), 4096) + stream.finish().toString()
    expect(() => JSON.parse(out) as unknown).toThrow()
    const whole = JSON.parse(out + stream.fail!(error, 'req_1')) as unknown[]
    expect(whole).toHaveLength(2)
    expect(whole[1]).toMatchObject({ error: { code: 502, message: error.message } })
  })

  test('an error before any chunk is the only element', () => {
    expect(JSON.parse(road().fail!(error, 'req_1'))).toMatchObject([{ error: { code: 502 } }])
  })

  test('comments are no elements, an answer without any is an empty array, an error of the road’s own is taken', () => {
    const observed: Observed = { deliveredChars: 0, complete: true }
    const stream = jsonArrayFraming({
      observed,
      push: () => ': ping\n\n',
      finish: () => '',
      fail: () => '\n\ndata: {"error":{"code":1}}\n\n',
    })
    expect(stream.push(Buffer.alloc(0)) + stream.finish().toString()).toBe('[]')
    expect(JSON.parse(stream.fail!(error, 'req_1'))).toEqual([{ error: { code: 1 } }])
  })
})
