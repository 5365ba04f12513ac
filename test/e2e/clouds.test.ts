import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCustomer, ensureBuilt, type Gateway, removeDataDir, startGateway } from '../support/gateway.ts'
import {
  assertionOf,
  awsChunk,
  awsMessage,
  type CloudCall,
  type MockCloud,
  sendJson,
  signatureProblem,
  startCloud,
} from '../support/mock-clouds.ts'
import { chatBody, chatPath, eventually, messagesBody, messagesPath, post, prices, verify } from '../support/scene.ts'

/** Clouds that want more than a key in a header: a signature for each request, an access token that is bought, a path for each deployment. */
const aws = { keyId: 'AKIAEXAMPLE', secret: 'secret/of+aws', region: 'eu-central-1', service: 'bedrock' }
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

const events = (response: ServerResponse, type: string, parts: readonly (Buffer | string)[]): void => {
  response.writeHead(200, { 'content-type': type })
  // In two pieces that end inside a message.
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)))
  response.write(bytes.subarray(0, 50))
  setImmediate(() => response.end(bytes.subarray(50)))
}

const claudeEvents = (more: object = {}): object[] => [
  {
    type: 'message_start',
    message: {
      id: 'msg_bdrk_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-real',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 7, output_tokens: 1 },
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello from Claude.' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
  { type: 'message_stop', ...more },
]
const claudeMessage = {
  id: 'msg_bdrk_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-real',
  content: [{ type: 'text', text: 'Hello from Claude.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 7, output_tokens: 5 },
}

const converseUsage = { inputTokens: 11, outputTokens: 3, totalTokens: 14 }

const bedrock = (call: CloudCall, response: ServerResponse): void => {
  const problem = call.headers.authorization?.startsWith('Bearer bedrock-key') ? null : signatureProblem(call, aws)
  if (problem !== null)
    return sendJson(response, 403, { message: problem }, { 'x-amzn-errortype': 'InvalidSignatureException' })
  const text = JSON.stringify(call.json)
  if (text.includes('throttle'))
    return sendJson(response, 429, { message: 'Too many tokens' }, { 'x-amzn-errortype': 'ThrottlingException' })
  const type = 'application/vnd.amazon.eventstream'
  const [, , model = '', method] = call.target.split('/')
  if (method === 'converse')
    return sendJson(response, 200, {
      output: { message: { role: 'assistant', content: [{ text: 'Hello from Nova.' }] } },
      stopReason: 'end_turn',
      usage: converseUsage,
      metrics: { latencyMs: 1 },
    })
  if (method === 'converse-stream') {
    if (text.includes('refuse'))
      return events(response, type, [
        awsMessage('messageStart', { role: 'assistant' }),
        awsMessage('throttlingException', { message: 'Too many requests' }, 'exception'),
      ])
    const parts = [
      awsMessage('messageStart', { role: 'assistant', p: 'abc' }),
      awsMessage('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hello ' } }),
    ]
    if (text.includes('break'))
      return events(response, type, [
        ...parts,
        awsMessage('modelStreamErrorException', { message: 'it broke' }, 'exception'),
      ])
    const bad = awsMessage('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'x' } })
    bad[bad.length - 1]! ^= 1
    if (text.includes('damage')) return events(response, type, [...parts, bad])
    return events(response, type, [
      ...parts,
      awsMessage('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'from Nova.' } }),
      awsMessage('contentBlockStop', { contentBlockIndex: 0 }),
      awsMessage('messageStop', { stopReason: 'end_turn' }),
      awsMessage('metadata', { usage: converseUsage, metrics: { latencyMs: 1 } }),
    ])
  }
  if (!decodeURIComponent(model).includes('anthropic')) return sendJson(response, 404, { message: 'no such model' })
  if (method === 'invoke') return sendJson(response, 200, claudeMessage)
  return events(
    response,
    type,
    claudeEvents({ 'amazon-bedrock-invocationMetrics': { inputTokenCount: 7 } }).map(awsChunk),
  )
}

let gateway: Gateway
let key: string
const clouds: MockCloud[] = []
let amazon: MockCloud
let google: MockCloud
let microsoft: MockCloud

beforeAll(async () => {
  ensureBuilt()
  amazon = await startCloud(bedrock)
  google = await startCloud((call, response) => {
    if (call.target === '/token') {
      const claims = assertionOf(call.body, createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })))
      return sendJson(response, typeof claims === 'string' ? 400 : 200, { access_token: 'ya29.good', expires_in: 3600 })
    }
    if (call.headers.authorization !== 'Bearer ya29.good')
      return sendJson(response, 401, { error: { code: 401, message: 'no', status: 'UNAUTHENTICATED' } })
    if (call.target.endsWith(':rawPredict')) return sendJson(response, 200, claudeMessage)
    if (call.target.includes('/publishers/google/')) {
      const part = (text: string, finish: object = {}) => ({
        candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...finish }],
        usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13, trafficType: 'ON_DEMAND' },
        modelVersion: 'gemini-real',
        responseId: 'r1',
      })
      const end = { finishReason: 'STOP' }
      if (call.target.endsWith(':generateContent')) return sendJson(response, 200, part('Hello from Gemini.', end))
      const lines = [part('Hello '), part('from Gemini.', end)].map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`)
      return events(response, 'text/event-stream', lines)
    }
    const lines = claudeEvents().map(
      (event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`,
    )
    return events(response, 'text/event-stream', lines)
  })
  microsoft = await startCloud((call, response) => {
    if (call.headers['api-key'] !== 'azure-key')
      return sendJson(response, 401, { error: { code: '401', message: 'Access denied' } })
    sendJson(response, 200, {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-real',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello from Azure.', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 },
    })
  })
  clouds.push(amazon, google, microsoft)
  gateway = await startGateway()
  key = (await createCustomer(gateway)).key

  await gateway.call('providers.add', {
    name: 'bedrock',
    kind: 'bedrock',
    base_url: amazon.url,
    settings: { region: aws.region },
    secret: `${aws.keyId}:${aws.secret}`,
  })
  await gateway.call('providers.add', {
    name: 'bedrock-bearer',
    kind: 'bedrock',
    base_url: amazon.url,
    secret: 'bedrock-key-1',
  })
  await gateway.call('providers.add', {
    name: 'bedrock-wrong',
    kind: 'bedrock',
    base_url: amazon.url,
    settings: { region: aws.region },
    secret: `${aws.keyId}:wrong`,
  })
  await gateway.call('providers.add', {
    name: 'vertex',
    kind: 'vertex',
    base_url: `${google.url}/v1/projects/p/locations/eu`,
    secret: JSON.stringify({
      client_email: 'a@b.example',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      token_uri: `${google.url}/token`,
    }),
  })
  await gateway.call('providers.add', {
    name: 'azure',
    kind: 'azure-openai',
    base_url: `${microsoft.url}/openai/v1`,
    secret: 'azure-key',
  })
  await gateway.call('providers.add', {
    name: 'azure-old',
    kind: 'azure-openai',
    base_url: `${microsoft.url}/openai?api-version=2024-10-21`,
    secret: 'azure-key',
  })
  for (const [name, target] of Object.entries({
    nova: 'bedrock/us.amazon.nova-2-lite-v1:0',
    'nova-bearer': 'bedrock-bearer/us.amazon.nova-2-lite-v1:0',
    'nova-wrong': 'bedrock-wrong/us.amazon.nova-2-lite-v1:0',
    'claude-aws': 'bedrock/eu.anthropic.claude-haiku-4-5-v1:0',
    'gemini-google': 'vertex/gemini-3-flash',
    'claude-google': 'vertex/claude-haiku-4-5@20251001@1',
    azure: 'azure/my deployment'.replace(' ', '-'),
    'azure-old': 'azure-old/my-deployment',
  }))
    await gateway.call('models.create', { name, targets: [target], prices })
})

afterAll(async () => {
  await gateway?.stop()
  await Promise.all(clouds.map((cloud) => cloud.close()))
  if (gateway) removeDataDir(gateway.dataDir)
})

const lastCall = (cloud: MockCloud): CloudCall => cloud.calls.at(-1)!
const says = (text: string): string =>
  [...text.matchAll(/^data: (\{.*)$/gm)]
    .map(([, json]) => JSON.parse(json!) as { choices?: { delta?: { content?: string } }[]; delta?: { text?: string } })
    .map((event) => event.choices?.[0]?.delta?.content ?? event.delta?.text ?? '')
    .join('')

const recorded = (model: string) =>
  eventually(
    async () => (await gateway.call<{ data: { cost: string }[] }>('requests.list', { model, limit: 1 })).data[0],
  )

describe('Bedrock, by Converse', () => {
  test('answers a Chat client, signed and without model in the body', async () => {
    const answer = await post(gateway, chatPath, key, chatBody('nova', { max_tokens: 50 }))
    expect(answer.status, answer.text).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({
      object: 'chat.completion',
      model: 'nova',
      choices: [{ message: { content: 'Hello from Nova.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 11, completion_tokens: 3 },
    })
    const { target, json } = lastCall(amazon)
    expect(target).toBe('/model/us.amazon.nova-2-lite-v1%3A0/converse')
    expect(json).toEqual({
      messages: [{ role: 'user', content: [{ text: 'Say hello.' }] }],
      inferenceConfig: { maxTokens: 50 },
    })
    // 11 tokens at 1 and 3 at 2 credits for a million.
    expect(await recorded('nova')).toMatchObject({ cost: '0.000017' })
  })

  test('streams to both kinds of client', async () => {
    const chat = await post(
      gateway,
      chatPath,
      key,
      chatBody('nova', { stream: true, stream_options: { include_usage: true } }),
    )
    expect(chat.headers.get('content-type')).toMatch(/text\/event-stream/)
    expect(says(chat.text)).toBe('Hello from Nova.')
    expect(chat.text).toContain('"prompt_tokens":11')
    expect(chat.text.trimEnd().endsWith('data: [DONE]')).toBe(true)
    expect(lastCall(amazon).target).toMatch(/\/converse-stream$/)
    const messages = await post(gateway, messagesPath, key, messagesBody('nova', { stream: true }))
    expect(says(messages.text)).toBe('Hello from Nova.')
    expect(messages.text).toContain('event: message_stop')
  })

  test('takes an API key as a bearer', async () => {
    const answer = await post(gateway, chatPath, key, chatBody('nova-bearer'))
    expect(answer.status, answer.text).toBe(200)
    expect(lastCall(amazon).headers.authorization).toBe('Bearer bedrock-key-1')
    expect(lastCall(amazon).headers['x-amz-date']).toBeUndefined()
  })

  test.each(['break', 'damage'])(
    'a stream that breaks (%s) ends with an error and never looks finished',
    async (how) => {
      const body = chatBody('nova', { stream: true, messages: [{ role: 'user', content: how }] })
      const { text } = await post(gateway, chatPath, key, body)
      expect(text).toContain('"error"')
      expect(text).not.toContain('[DONE]')
      expect(text).not.toContain('"finish_reason":"stop"')
    },
  )

  test('a stream that is refused in front of any content has a status of its own', async () => {
    const body = chatBody('nova', { stream: true, messages: [{ role: 'user', content: 'refuse' }] })
    const { status, text } = await post(gateway, chatPath, key, body)
    expect(status, text).toBe(503)
  })

  test('a limit of the provider passes by, a wrong secret is ours', async () => {
    const limited = await post(
      gateway,
      chatPath,
      key,
      chatBody('nova', { messages: [{ role: 'user', content: 'throttle' }] }),
    )
    expect(limited.status).toBe(503)
    const wrong = await post(gateway, chatPath, key, chatBody('nova-wrong'))
    expect(wrong.status).toBe(502)
    expect(wrong.text).toContain('upstream_auth_failed')
  })
})

describe('Claude on Bedrock', () => {
  test('is called by its own protocol, with versions and known betas in the body', async () => {
    const answer = await post(gateway, messagesPath, key, messagesBody('claude-aws', { temperature: 0.5 }), {
      'anthropic-beta': 'claude-code-20250219,context-1m-2025-08-07',
      'anthropic-version': '2023-06-01',
    })
    expect(answer.status, answer.text).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({
      type: 'message',
      model: 'claude-aws',
      usage: { input_tokens: 7, output_tokens: 5 },
    })
    const { target, json } = lastCall(amazon)
    expect(target).toBe('/model/eu.anthropic.claude-haiku-4-5-v1%3A0/invoke')
    expect(json).toEqual({
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Say hello.' }],
      temperature: 0.5,
      anthropic_version: 'bedrock-2023-05-31',
      anthropic_beta: ['context-1m-2025-08-07'],
    })
  })

  test('streams to both kinds of client, without AWS in the answer', async () => {
    const messages = await post(gateway, messagesPath, key, messagesBody('claude-aws', { stream: true }))
    expect(says(messages.text)).toBe('Hello from Claude.')
    expect(messages.text).toContain('event: message_stop')
    expect(messages.text).not.toMatch(/amazon|claude-real/)
    expect(lastCall(amazon).target).toMatch(/\/invoke-with-response-stream$/)
    expect(lastCall(amazon).json).not.toHaveProperty('stream')
    const chat = await post(gateway, chatPath, key, chatBody('claude-aws', { stream: true }))
    expect(says(chat.text)).toBe('Hello from Claude.')
    expect(chat.text.trimEnd().endsWith('data: [DONE]')).toBe(true)
  })
})

describe('Claude on Vertex', () => {
  test('is called with a token that was bought once', async () => {
    const whole = await post(gateway, messagesPath, key, messagesBody('claude-google'))
    expect(whole.status, whole.text).toBe(200)
    expect(lastCall(google).target).toBe(
      '/v1/projects/p/locations/eu/publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict',
    )
    expect(lastCall(google).json).toEqual({
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Say hello.' }],
      anthropic_version: 'vertex-2023-10-16',
    })
    const streamed = await post(gateway, chatPath, key, chatBody('claude-google', { stream: true }))
    expect(says(streamed.text)).toBe('Hello from Claude.')
    expect(lastCall(google).target).toMatch(/:streamRawPredict$/)
    expect(lastCall(google).json).toMatchObject({ stream: true })
    expect(google.calls.filter(({ target }) => target === '/token')).toHaveLength(1)
  })
})

test('a client that leaves while a token is bought has asked nobody anything', async () => {
  const asked: string[] = []
  let bought: () => void = () => undefined
  const waiting = new Promise<void>((resolve) => (bought = resolve))
  let release: () => void = () => undefined
  const slow = await startCloud((call, response) => {
    asked.push(call.target)
    if (call.target !== '/token') return sendJson(response, 200, claudeMessage)
    release = () => sendJson(response, 200, { access_token: 'ya29.good', expires_in: 3600 })
    bought()
  })
  clouds.push(slow)
  await gateway.call('providers.add', {
    name: 'vertex-slow',
    kind: 'vertex',
    base_url: `${slow.url}/v1/projects/p/locations/eu`,
    secret: JSON.stringify({
      client_email: 'slow@b.example',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      token_uri: `${slow.url}/token`,
    }),
  })
  await gateway.call('models.create', { name: 'claude-slow', targets: ['vertex-slow/claude-x'], prices })
  const body = JSON.stringify(messagesBody('claude-slow'))
  const { hostname, port } = new URL(gateway.url)
  const client = connect(Number(port), hostname)
  client.on('error', () => undefined)
  client.write(
    `POST ${messagesPath} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await waiting
  client.resetAndDestroy()
  // A reset is seen at once: before the answer to a request that begins behind it.
  await post(gateway, chatPath, key, chatBody('azure'))
  release()
  expect(await recorded('claude-slow')).toMatchObject({ cost: '0' })
  expect(asked).toEqual(['/token'])
  expect(await verify(gateway)).toMatchObject({ ok: true, holds_open: 0 })
})

describe('Gemini on Vertex', () => {
  test('is called below the publisher, whole and streamed, by clients of other protocols too', async () => {
    const whole = await post(gateway, chatPath, key, chatBody('gemini-google'))
    expect(whole.status, whole.text).toBe(200)
    expect(JSON.parse(whole.text)).toMatchObject({
      model: 'gemini-google',
      choices: [{ message: { content: 'Hello from Gemini.' } }],
    })
    const path = '/v1/projects/p/locations/eu/publishers/google/models/gemini-3-flash'
    expect(lastCall(google).target).toBe(`${path}:generateContent`)
    expect(lastCall(google).headers.authorization).toBe('Bearer ya29.good')
    const streamed = await post(gateway, messagesPath, key, messagesBody('gemini-google', { stream: true }))
    expect(says(streamed.text)).toBe('Hello from Gemini.')
    expect(lastCall(google).target).toBe(`${path}:streamGenerateContent?alt=sse`)
  })

  test('passes a Gemini client’s own bytes', async () => {
    const body = { contents: [{ role: 'user', parts: [{ text: 'Say hello.' }] }] }
    const answer = await post(gateway, '/v1beta/models/gemini-google:streamGenerateContent?alt=sse', key, body)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.text).toContain('from Gemini.')
    expect(lastCall(google).json).toMatchObject(body)
  })
})

describe('Azure OpenAI', () => {
  test("has OpenAI's paths below /openai/v1, and a path for each deployment before", async () => {
    for (const [model, target] of [
      ['azure', '/openai/v1/chat/completions'],
      ['azure-old', '/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21'],
    ] as const) {
      const answer = await post(gateway, chatPath, key, chatBody(model))
      expect(answer.status, answer.text).toBe(200)
      expect(lastCall(microsoft).target).toBe(target)
      expect(lastCall(microsoft).json).toMatchObject({ model: 'my-deployment' })
      expect(lastCall(microsoft).headers.authorization).toBeUndefined()
    }
  })
})
