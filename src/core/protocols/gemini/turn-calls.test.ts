import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../neutral/index.ts'
import { decodeRequest } from './decode-request.ts'

const place = { model: 'm', stream: false }
const call = (name: string, id?: string): JsonObject => ({ functionCall: { name, ...(id && { id }) } })
const result = (name: string, output: string, id?: string): JsonObject => ({
  functionResponse: { name, response: { output }, ...(id && { id }) },
})
const turns = (calls: JsonObject[], results: JsonObject[]): JsonObject => ({
  contents: [
    { role: 'user', parts: [{ text: 'q' }] },
    { role: 'model', parts: calls },
    { role: 'user', parts: results },
  ],
})

/** The outputs in the order of the calls they were bound to. */
const bound = (body: JsonObject): (string | undefined)[] => {
  const parts = decodeRequest(body, place).messages.flatMap((message) => message.parts)
  const results = parts.filter((part) => part.type === 'tool-result')
  return parts
    .filter((part) => part.type === 'tool-call')
    .map(({ id }) => {
      const [text] = results.find(({ callId }) => callId === id)?.content ?? []
      return text?.type === 'text' ? text.text : undefined
    })
}

describe('results find their calls', () => {
  test('by id, whatever their order', () => {
    expect(bound(turns([call('f', 'x1'), call('f', 'x2')], [result('f', '2', 'x2'), result('f', '1', 'x1')]))).toEqual([
      '1',
      '2',
    ])
  })

  test('by name and order where nobody gave ids', () => {
    expect(
      bound(turns([call('f'), call('g'), call('f')], [result('g', 'g'), result('f', 'f1'), result('f', 'f2')])),
    ).toEqual(['f1', 'g', 'f2'])
  })

  test('ids first: what came without takes what is left', () => {
    expect(bound(turns([call('f', 'x1'), call('f')], [result('f', 'none'), result('f', '1', 'x1')]))).toEqual([
      '1',
      'none',
    ])
  })

  test('an id that the client gave only to the result goes by name, to a call without one', () => {
    expect(bound(turns([call('f', 'x1'), call('f')], [result('f', 'made up', 'x9'), result('f', '1')]))).toEqual([
      '1',
      'made up',
    ])
  })

  test('an id that no call has is refused with its place, and never bound to another call', () => {
    expect(() =>
      decodeRequest(turns([call('f', 'x1'), call('f', 'x2')], [result('f', '9', 'x9'), result('f', '2', 'x2')]), place),
    ).toThrow(expect.objectContaining({ details: { param: 'contents[2].parts[0].functionResponse.id' } }))
  })

  test('across turns in pieces, as the SDK keeps a stream', () => {
    const body = {
      contents: [
        { role: 'user', parts: [{ text: 'q' }] },
        { role: 'model', parts: [call('f')] },
        { role: 'model', parts: [call('f')] },
        { role: 'model', parts: [{ text: '' }] },
        { role: 'user', parts: [result('f', '1')] },
        { role: 'user', parts: [result('f', '2')] },
      ],
    }
    expect(bound(body)).toEqual(['1', '2'])
  })
})

describe('what says nothing', () => {
  test.each([
    ['a part without content', [{ parts: [{}] }], 'contents[0].parts'],
    ['a null text', [{ parts: [{ text: null }] }], 'contents[0].parts'],
    ['an empty text', [{ parts: [{ text: '' }] }], 'contents[0].parts'],
    ['only turns of the model, all empty', [{ role: 'model', parts: [{ text: '' }] }], 'contents'],
  ])('%s is no request', (_, contents, param) => {
    expect(() => decodeRequest({ contents }, place)).toThrow(
      expect.objectContaining({ code: 'invalid_request', details: { param } }),
    )
  })
})
