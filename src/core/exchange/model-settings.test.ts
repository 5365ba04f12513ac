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
  priceAt: () => null,
  targets: [],
  ...settings,
})
const body = '{ "model":"m", "temperature": 1.5,"messages":[]}'
const scanned = scanObject(Buffer.from(body))

test('a body that needs nothing keeps its bytes', () => {
  expect(applySettings(scanned, model({ defaults: { temperature: 0 }, caps: { temperature: 2, max_tokens: 5 } }))).toBe(
    scanned.bytes,
  )
})

test('defaults fill only what the client left out; caps lower only what is above them', () => {
  const changed = applySettings(
    scanned,
    model({ defaults: { top_p: 0.5, temperature: 0 }, caps: { temperature: 1 } }),
  ).toString()
  expect(changed).toBe('{ "model":"m", "temperature": 1,"messages":[],"top_p":0.5}')
})

test('the limit on output is the least of model and caps', () => {
  expect(outputCap(model({}))).toBe(Infinity)
  expect(outputCap(model({ maxOutputTokens: 100, caps: { max_completion_tokens: 50 } }))).toBe(50)
})
