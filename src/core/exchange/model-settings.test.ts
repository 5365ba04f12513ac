import { expect, test } from 'vitest'
import type { ResolvedModel } from '../catalog/resolved.ts'
import { scanObject } from '../protocols/json-scan.ts'
import { applySettings, outputCap } from './model-settings.ts'

const model = (settings: Partial<ResolvedModel>): ResolvedModel => ({
  id: 'mdl_1',
  name: 'm',
  free: false,
  contextWindow: null,
  maxOutputTokens: null,
  defaults: {},
  caps: {},
  crossing: { strict: false, dropUnsupportedTools: false },
  createdAt: 0,
  strategy: 'priority',
  priceAt: () => null,
  targets: [],
  ...settings,
})
const body = '{ "model":"m", "temperature": 1.5,"messages":[]}'
const scanned = scanObject(Buffer.from(body))

test('a body that needs nothing keeps its bytes', () => {
  expect(
    applySettings(
      scanned,
      model({ defaults: { temperature: 0 }, caps: { temperature: 2, max_tokens: 5 } }),
      'openai-chat',
    ),
  ).toBe(scanned.bytes)
})

test('defaults fill only what the client left out; caps lower only what is above them', () => {
  const changed = applySettings(
    scanned,
    model({ defaults: { top_p: 0.5, temperature: 0 }, caps: { temperature: 1 } }),
    'openai-chat',
  ).toString()
  expect(changed).toBe('{ "model":"m", "temperature": 1,"messages":[],"top_p":0.5}')
})

const asked = (body: string, settings: Partial<ResolvedModel>): string =>
  applySettings(scanObject(Buffer.from(body)), model(settings), 'gemini').toString()

test.each([
  ['{"contents":[]}', '{"contents":[],"generationConfig":{"temperature":0,"topP":0.5,"stopSequences":["END"]}}'],
  [
    '{"generationConfig":{ "temperature": 1 },"contents":[]}',
    '{"generationConfig":{ "temperature": 1 ,"topP":0.5,"stopSequences":["END"]},"contents":[]}',
  ],
  [
    '{"generation_config":{"top_p":0.1,"stop_sequences":[]},"contents":[]}',
    '{"generation_config":{"top_p":0.1,"stop_sequences":[],"temperature":0},"contents":[]}',
  ],
  [
    '{"generationConfig":null,"contents":[]}',
    '{"generationConfig":{"temperature":0,"topP":0.5,"stopSequences":["END"]},"contents":[]}',
  ],
])("defaults of a model stand where Gemini's clients have them: %s", (body, filled) => {
  // Gemini refuses fields that it does not know.
  const defaults = { temperature: 0, top_p: 0.5, stop: 'END', reasoning_effort: 'low' }
  expect(asked(body, { defaults })).toBe(filled)
})

test("caps of a model bind Gemini's clients, and several names of one limit set it once", () => {
  const body = '{"contents":[],"generationConfig":{"temperature":2,"topK":7}}'
  expect(asked(body, { caps: { temperature: 1, top_k: 40, max_tokens: 5 } })).toBe(
    '{"contents":[],"generationConfig":{"temperature":1,"topK":7}}',
  )
  expect(asked('{"contents":[]}', { defaults: { max_tokens: 7, max_completion_tokens: 8 } })).toBe(
    '{"contents":[],"generationConfig":{"maxOutputTokens":7}}',
  )
  expect(asked(body, { defaults: { safetySettings: [] } })).toBe(`${body.slice(0, -1)},"safetySettings":[]}`)
})

test("a Gemini client's body that needs nothing keeps its bytes", () => {
  const plain = scanObject(Buffer.from('{"contents":[]}'))
  expect(applySettings(plain, model({ caps: { temperature: 1 } }), 'gemini')).toBe(plain.bytes)
})

test('the limit on output is the least of model and caps', () => {
  expect(outputCap(model({}))).toBe(Infinity)
  expect(outputCap(model({ maxOutputTokens: 100, caps: { max_completion_tokens: 50 } }))).toBe(50)
})

test('settings of a model stand where clients of Responses have them, and what that API does not know is left out', () => {
  const set = (body: string, settings: Partial<ResolvedModel>): string =>
    applySettings(scanObject(Buffer.from(body)), model(settings), 'openai-responses').toString()
  const defaults = { max_tokens: 9, reasoning_effort: 'low', verbosity: 'high', seed: 7, temperature: 0 }
  expect(JSON.parse(set('{"input":"a"}', { defaults }))).toEqual({
    input: 'a',
    max_output_tokens: 9,
    temperature: 0,
    reasoning: { effort: 'low' },
    text: { verbosity: 'high' },
  })
  const own =
    '{"input":"a","max_output_tokens":5,"temperature":1,"reasoning":{"effort":"high"},"text":{"verbosity":"low"}}'
  expect(set(own, { defaults, caps: { max_tokens: 2 } })).toBe(own)
  expect(set('{"input":"a","temperature":2}', { caps: { temperature: 1 } })).toBe('{"input":"a","temperature":1}')
  expect(set('{"input":"a","reasoning":{"summary":"auto"}}', { defaults })).toContain(
    '{"summary":"auto","effort":"low"}',
  )
})
