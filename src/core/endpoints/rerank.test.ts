import { describe, expect, test } from 'vitest'
import { answered, sentBody, sideRoad } from '../../../test/support/side-road.ts'
import { readRecordingsIn, recordingsPresent } from '../../../test/support/recordings.ts'
import { providerKindById } from '../provider-kinds/index.ts'
import { rerank } from './rerank.ts'

const documents = ['Ruby is a language', { text: 'Paris is in France' }]
const ask = (more: object = {}, kind = 'openai-compatible') =>
  sideRoad(rerank, { model: 'shadow', query: 'ruby', documents, ...more }, { kind })
const results = [{ index: 1, relevance_score: 0.5 }]

test('the request passes as it is, and the name is masked', () => {
  const road = ask({ top_n: 1, return_documents: true })
  expect(road.path).toBe('/rerank')
  expect(sentBody(road)).toEqual({ model: 'real-model', query: 'ruby', documents, top_n: 1, return_documents: true })
  const { json, observed } = answered(road, { model: 'real-model', results, usage: { total_tokens: 21 } })
  expect(json).toEqual({ model: 'shadow', results, usage: { total_tokens: 21 } })
  expect(observed).toMatchObject({ usage: { input: { uncached: 21 }, output: { visible: 0 } }, complete: true })
})

test('without tokens the query is counted with each document, and the hold covers that', () => {
  const { observed } = answered(ask(), { results, meta: { billed_units: { search_units: 1 } } })
  expect(observed).toMatchObject({ estimated: true, usage: { input: { uncached: Math.ceil((8 + 18 + 18) / 4) } } })
  const body = Buffer.from(JSON.stringify({ model: 'm', query: 'q'.repeat(100), documents: Array(50).fill('d') }))
  expect(rerank.inspect(body, {}).promptBound).toBeGreaterThan(100 * 50 + 50)
})

test('an answer without results is none', () => {
  expect(() => answered(ask(), { ok: true })).toThrow('no results')
})

test.each([
  ['no query', { query: undefined }],
  ['no documents', { documents: [] }],
  ['a number as document', { documents: [1] }],
  ['top_n of 0', { top_n: 0 }],
])('%s: 400', (_, body) => {
  expect(() => ask(body)).toThrow(expect.objectContaining({ status: 400 }))
})

test('a provider without it is said to have none', () => {
  for (const kind of ['openai', 'anthropic'])
    expect(() => ask({}, kind)).toThrow(expect.objectContaining({ code: 'unsupported_endpoint' }))
})

describe.skipIf(!providerKindById('cohere'))('Cohere', () => {
  test('is called at its own API on the same host; documents are strings and come back from us', () => {
    const road = ask({ top_n: 1, return_documents: true, rank_fields: ['text'] }, 'cohere')
    expect(road.baseUrl?.('https://api.cohere.ai/compatibility/v1')).toBe('https://api.cohere.ai')
    expect(road.path).toBe('/v2/rerank')
    expect(sentBody(road)).toEqual({
      model: 'real-model',
      query: 'ruby',
      documents: ['Ruby is a language', 'Paris is in France'],
      top_n: 1,
    })
    expect(answered(road, { id: 'x', results }).json['results']).toEqual([
      { index: 1, relevance_score: 0.5, document: { text: 'Paris is in France' } },
    ])
  })

  test.skipIf(!recordingsPresent)('recorded answers are read', () => {
    for (const { request, response } of readRecordingsIn('cohere-v2-rerank')) {
      const road = sideRoad(rerank, { ...request?.json, model: 'shadow' }, { kind: 'cohere', model: 'rerank-v3.5' })
      expect(sentBody(road)).toEqual(request?.json)
      const { json, observed } = answered(road, response.json)
      expect(json).toEqual(response.json)
      expect(observed).toMatchObject({ complete: true, estimated: true })
    }
  })
})
