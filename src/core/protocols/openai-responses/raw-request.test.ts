import { expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { renderStreamError } from './errors.ts'
import { inspect } from './inspect.ts'
import { rawRequest } from './raw-request.ts'

const sent = (body: string, edits: object = {}): string =>
  rawRequest(inspect(Buffer.from(body)).scanned, { model: 'real', forceUsage: true, ...edits }).toString()

test('only the name of the model changes in a request to a provider of the same protocol', () => {
  expect(sent('{ "input":"hi", "model" : "shadow","stream":true , "x":[1.0]}')).toBe(
    '{ "input":"hi", "model" : "real","stream":true , "x":[1.0]}',
  )
})

test('the limit on output is lowered or added, never raised', () => {
  expect(sent('{"model":"m","input":"a","max_output_tokens":9}', { maxTokens: 5 })).toContain('"max_output_tokens":5')
  expect(sent('{"model":"m","input":"a","max_output_tokens":9}', { maxTokens: 50 })).toContain('"max_output_tokens":9')
  expect(sent('{"model":"m","input":"a","max_output_tokens":null}', { maxTokens: 5 })).toContain(':5')
  expect(sent('{"model":"m","input":"a"}', { maxTokens: 5 })).toBe('{"model":"real","input":"a","max_output_tokens":5}')
})

test('an error in front of everything else is one flat event', () => {
  const error = new GatewayError('upstream_error', 'It failed.', { param: 'input[0]' })
  expect(renderStreamError(error)).toBe(
    '\n\nevent: error\ndata: {"type":"error","sequence_number":0,"code":"upstream_error","message":"It failed.","param":"input[0]"}\n\n',
  )
})
