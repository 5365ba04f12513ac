import { expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { inspect } from './inspect.ts'
import { rawRequest } from './raw-request.ts'

const facts = (json: string, place = { model: 'm', stream: true }) => inspect(Buffer.from(json), place)
const contents = '"contents":[{"parts":[{"text":"hi"}]}]'

test('model and stream are told by the path, the rest by the body in either spelling', () => {
  expect(facts(`{${contents}}`)).toMatchObject({ model: 'm', stream: true, choices: 1, remoteParts: 0 })
  expect(facts(`{${contents}}`, { model: 'models/a/b', stream: false })).toMatchObject({ model: 'a/b', stream: false })
  expect(facts(`{${contents}}`).maxTokens).toBeUndefined()
  expect(facts(`{${contents},"generationConfig":{"maxOutputTokens":5,"candidateCount":2}}`)).toMatchObject({
    maxTokens: 5,
    choices: 2,
  })
  expect(facts(`{${contents},"generation_config":{"max_output_tokens":"5"}}`)).toMatchObject({ maxTokens: 5 })
  expect(facts(`{${contents},"generationConfig":null}`)).toMatchObject({ choices: 1 })
  expect(facts('{"contents":{"parts":{"text":"one alone"}}}')).toMatchObject({ choices: 1 })
})

test('inputs whose tokens the bytes do not tell are counted, parameters of that name are not', () => {
  const picture = '{"inlineData":{"mimeType":"image/png","data":"aGk="}},{"inline_data":{}}'
  const file = '{"file_data":{"file_uri":"https://x/files/1","mime_type":"image/png"}}'
  const tools = '"tools":[{"functionDeclarations":[{"parameters":{"properties":{"fileUri":{"type":"STRING"}}}}]}]'
  const seen = facts(`{"contents":[{"parts":[${picture},${file}]}],${tools}}`)
  expect(seen.remoteParts).toBe(3)
  expect(seen.promptBound).toBeUndefined()
})

test.each([
  '{"fileData":{"fileUri":"gs://a/b.mp4","mimeType":"video/mp4"}}',
  '{"file_data":{"file_uri":"https://x/files/1"}}',
  '{"fileData":{"fileUri":"https://youtu.be/1","mimeType":"image/png"}}',
  '{"functionResponse":{"name":"f","parts":[{"fileData":{"fileUri":"gs://a/b.pdf"}}]}}',
])('a file may fill the window of the model: %s', (part) => {
  expect(facts(`{"contents":[{"parts":[${part}]}]}`).promptBound).toBeGreaterThan(1_000_000)
  expect(facts(`{"contents":{"parts":${part}}}`).promptBound).toBeGreaterThan(1_000_000)
})

test.each([
  ['{}', 'contents'],
  ['{"contents":[]}', 'contents'],
  ['{"contents":"hi"}', 'contents'],
  [`{${contents},"generationConfig":[]}`, 'generationConfig'],
  [`{${contents},"generationConfig":{},"generation_config":{}}`, 'generationConfig'],
  [`{${contents},"generationConfig":{"maxOutputTokens":0}}`, 'generationConfig.maxOutputTokens'],
  [`{${contents},"generationConfig":{"maxOutputTokens":1.5}}`, 'generationConfig.maxOutputTokens'],
  [`{${contents},"generation_config":{"candidate_count":1000}}`, 'generationConfig.candidate_count'],
  [`{${contents},"api_base":"http://x"}`, 'api_base'],
])('%s is refused at %s', (body, param) => {
  let refused: unknown
  try {
    facts(body)
  } catch (error) {
    refused = error
  }
  expect(refused).toBeInstanceOf(GatewayError)
  expect(refused).toMatchObject({ status: 400, details: { param } })
})

test('a request without a model in its path is refused', () => {
  expect(() => facts(`{${contents}}`, { model: 'models/', stream: false })).toThrow('model')
})

const sent = (body: string, maxTokens?: number): string =>
  rawRequest(inspect(Buffer.from(body), { model: 'm' }).scanned, {
    model: 'real',
    forceUsage: true,
    ...(maxTokens !== undefined && { maxTokens }),
  }).toString()

test('on the straight road nothing changes but the limit, inside its object', () => {
  const body = `{ ${contents}, "generationConfig" : { "temperature":1.0, "maxOutputTokens": 50 } }`
  expect(sent(body)).toBe(body)
  expect(sent(body, 100)).toBe(body)
  expect(sent(body, 10)).toBe(body.replace('50', '10'))
  expect(sent(`{${contents},"generation_config":{"max_output_tokens":9}}`, 3)).toBe(
    `{${contents},"generation_config":{"max_output_tokens":3}}`,
  )
  expect(sent(`{${contents},"generationConfig":{}}`, 3)).toBe(`{${contents},"generationConfig":{"maxOutputTokens":3}}`)
  expect(sent(`{${contents},"generationConfig":null}`, 3)).toBe(
    `{${contents},"generationConfig":{"maxOutputTokens":3}}`,
  )
  expect(sent(`{${contents}}`, 3)).toBe(`{${contents},"generationConfig":{"maxOutputTokens":3}}`)
})

test('the name of the shadow model in the body does not reach the provider', () => {
  expect(sent(`{"model":"models/shadow",${contents}}`)).toBe(`{"model":null,${contents}}`)
})
