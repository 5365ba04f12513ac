import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, post, postBytes, type Scene, startScene } from '../support/scene.ts'

let scene: Scene
/** A key at the provider: `AIza…` is what Google's look like. */
const secret = 'AIzaSyProvider0123456789'
const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }
const chunk = (text: string, more: object = {}) => ({
  candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...more }],
  usageMetadata,
  modelVersion: 'real-gem',
  responseId: 'Un6LacrVMcjUxs0PmJfWoQ',
})
const frames = [chunk('Hello '), chunk('you.', { finishReason: 'STOP' })].map(
  (one) => `data: ${JSON.stringify(one)}\r\n\r\n`,
)
const whole = {
  chunks: [JSON.stringify(chunk('Hello you.', { finishReason: 'STOP' }))],
  headers: { 'content-type': 'application/json' },
}
const streamed = { chunks: frames, headers: { 'content-type': 'text/event-stream' } }

beforeAll(async () => {
  scene = await startScene({ env: { GATEWAY_LOG_LEVEL: 'debug' } })
  await scene.gateway.call('providers.add', { name: 'google', kind: 'gemini', base_url: scene.provider.url, secret })
  const model = (name: string, more: object = {}) =>
    scene.gateway.call('models.create', {
      name,
      targets: [{ provider: 'google', model: 'real-gem' }],
      prices: { input: '1', output: '2' },
      ...more,
    })
  await model('gem')
  await model('team/gem')
  await model('tuned', { defaults: { temperature: 0.5, top_p: 0.25 }, caps: { top_k: 10, max_tokens: 7 } })
  await scene.model('chat', 'openai')
  await scene.provider.script('real-chat', {})
}, 60_000)
afterAll(() => scene.close())

const contents = [{ role: 'user', parts: [{ text: 'Say hello.' }] }]
const body = { contents, generationConfig: { maxOutputTokens: 50 } }
const asked = async () => (await scene.provider.log()).at(-1)!

describe("Google's clients", () => {
  test.each([
    '/v1/models/gem:generateContent',
    '/v1beta/models/gem:generateContent',
    '/v1alpha/models/gem:generateContent',
    '/api/v1/models/gem:generateContent',
    '/gemini/v1beta/models/team%2Fgem:generateContent',
    '/v1beta/models/team/gem:generateContent',
    '/v1beta1/publishers/google/models/gem:generateContent',
    '/v1beta1/projects/p/locations/global/publishers/google/models/gem:generateContent',
  ])('reach their model at %s', async (path) => {
    await scene.provider.script('*', whole)
    const { status, text } = await post(scene.gateway, path, null, body, { 'x-goog-api-key': scene.key })
    expect({ status, text }).toMatchObject({ status: 200 })
    const model = path.includes('team') ? 'team/gem' : 'gem'
    expect(JSON.parse(text)).toMatchObject({ modelVersion: model, candidates: [{ finishReason: 'STOP' }] })
    const { path: called, headers, body: sent } = await asked()
    expect({ called, key: headers['x-goog-api-key'], sent }).toEqual({
      called: '/v1/models/real-gem:generateContent',
      key: secret,
      sent: JSON.stringify(body),
    })
    expect(headers['authorization']).toBeUndefined()
  })

  test('a key in the query is taken, and goes neither to the provider nor into the log', async () => {
    await scene.provider.script('*', whole)
    const path = `/v1beta/models/gem:generateContent?key=${scene.key}`
    expect((await post(scene.gateway, path, null, body)).status).toBe(200)
    const { path: called, headers } = await asked()
    expect(called + JSON.stringify(headers)).not.toContain(scene.key)
    await post(scene.gateway, path.replace('gem:', 'nowhere:'), null, body)
    await post(scene.gateway, `/v1beta/nowhere?key=${scene.key}`, null, body)
    expect(scene.gateway.log()).not.toContain(scene.key)
    const both = await post(scene.gateway, path, null, body, { 'x-goog-api-key': 'sk-tg-another' })
    expect(both.status).toBe(401)
  })

  test.each(['alt=sse', '%24alt=sse'])('a stream is events with ?%s', async (query) => {
    await scene.provider.script('*', streamed)
    const path = `/v1beta/models/gem:streamGenerateContent?${query}`
    const { text, headers } = await post(scene.gateway, path, null, body, { 'x-goog-api-key': scene.key })
    expect(headers.get('content-type')).toContain('text/event-stream')
    expect(text).toBe(frames.join('').replaceAll('real-gem', 'gem'))
    expect((await asked()).path).toBe('/v1/models/real-gem:streamGenerateContent')
  })

  test('and one array without', async () => {
    await scene.provider.script('*', streamed)
    const path = '/v1beta/models/gem:streamGenerateContent'
    const { text, headers } = await post(scene.gateway, path, null, body, { 'x-goog-api-key': scene.key })
    expect(headers.get('content-type')).toContain('application/json')
    expect(JSON.parse(text)).toMatchObject([{ modelVersion: 'gem' }, { candidates: [{ finishReason: 'STOP' }] }])
  })

  test('a model of another provider answers them in their own words', async () => {
    const headers = { 'x-goog-api-key': scene.key }
    const answer = await post(scene.gateway, '/v1beta/models/chat:generateContent', null, body, headers)
    expect(JSON.parse(answer.text)).toMatchObject({
      candidates: [
        { content: { role: 'model', parts: [{ text: 'Hello from the mock provider.' }] }, finishReason: 'STOP' },
      ],
      usageMetadata,
      modelVersion: 'chat',
    })
    const events = await post(scene.gateway, '/v1beta/models/chat:streamGenerateContent?alt=sse', null, body, headers)
    const texts = [...events.text.matchAll(/"text":"([^"]*)"/g)].map(([, text]) => text)
    expect(texts.join('')).toBe('Hello from the mock provider.')
    expect(events.text).toMatch(/^data: .*\r\n\r\n$/s)
  })

  test('an answer that breaks off ends with an error and a broken connection', async () => {
    await scene.provider.script('*', { ...streamed, chunks: frames.slice(0, 1) })
    const path = '/v1beta/models/gem:streamGenerateContent?alt=sse'
    const response = await fetch(scene.gateway.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-goog-api-key': scene.key },
      body: JSON.stringify(body),
    })
    let text = ''
    const reading = (async () => {
      for await (const piece of response.body!) text += Buffer.from(piece).toString()
    })()
    await expect(reading).rejects.toThrow()
    expect(text).toContain('"reason":"UPSTREAM_DISCONNECTED"')
    expect(text.startsWith(frames[0]!.replaceAll('real-gem', 'gem'))).toBe(true)
  })

  test('what a model is set to stands where they have it', async () => {
    await scene.provider.script('*', whole)
    const given = { contents, generationConfig: { temperature: 1, topK: 40 } }
    const path = '/v1beta/models/tuned:generateContent'
    expect((await post(scene.gateway, path, null, given, { 'x-goog-api-key': scene.key })).status).toBe(200)
    expect(JSON.parse((await asked()).body)).toEqual({
      contents,
      generationConfig: { temperature: 1, topK: 10, topP: 0.25, maxOutputTokens: 7 },
    })
  })

  test.each([
    ['/v1beta/models/gem:generateContent', 'sk-tg-wrong', body, 401, 'UNAUTHENTICATED', 'INVALID_API_KEY'],
    ['/v1beta/models/nowhere:generateContent', null, body, 404, 'NOT_FOUND', 'MODEL_NOT_FOUND'],
    ['/v1beta/models/gem:generateContent', null, '{', 400, 'INVALID_ARGUMENT', 'INVALID_JSON'],
    ['/v1beta/models/gem:generateContent', null, {}, 400, 'INVALID_ARGUMENT', 'INVALID_REQUEST'],
    [
      '/v1beta/models/chat:generateContent',
      null,
      { ...body, cachedContent: 'x' },
      400,
      'INVALID_ARGUMENT',
      'UNSUPPORTED_PARAMETER',
    ],
    ['/v1beta/nowhere', null, body, 404, 'NOT_FOUND', 'NOT_FOUND'],
  ])('errors are Google’s: %s %s', async (path, key, given, status, name, reason) => {
    const answer = await post(scene.gateway, path, key ?? scene.key, given)
    expect(answer.status).toBe(status)
    const { error } = JSON.parse(answer.text) as { error: { details: unknown[] } }
    expect(error).toMatchObject({ code: status, status: name })
    expect(error.details[0]).toMatchObject({ reason, domain: 'tollgate' })
  })

  test('see the models of their key', async () => {
    const get = async (path: string) =>
      (await fetch(scene.gateway.url + path, { headers: { 'x-goog-api-key': scene.key } })).json()
    for (const path of ['/v1beta/models', '/v1/models'])
      expect(await get(path)).toMatchObject({
        models: expect.arrayContaining([expect.objectContaining({ name: 'models/gem' })]) as unknown,
      })
    expect(await get('/v1beta/models/team/gem')).toMatchObject({ name: 'models/team/gem' })
  })
})

test('clients of other protocols reach a model of Gemini', async () => {
  await scene.provider.script('*', whole)
  const chat = await post(scene.gateway, '/v1/chat/completions', scene.key, {
    model: 'gem',
    max_tokens: 9,
    messages: [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'hi' },
    ],
  })
  expect(JSON.parse(chat.text)).toMatchObject({
    model: 'gem',
    choices: [{ message: { content: 'Hello you.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 5 },
  })
  expect(JSON.parse((await asked()).body)).toEqual({
    systemInstruction: { parts: [{ text: 'be brief' }] },
    contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
    generationConfig: { maxOutputTokens: 9 },
  })
})

test('every call is in the request log with what it cost', async () => {
  await scene.provider.script('*', whole)
  const { headers } = await postBytes(
    scene.gateway,
    '/v1beta/models/gem:generateContent',
    scene.key,
    JSON.stringify(body),
  )
  const id = headers.get('x-gateway-request-id')
  const row = await eventually(async () => {
    const page = await scene.gateway.call<{ data: Record<string, unknown>[] }>('requests.list', { limit: 5 })
    return page.data.find((item) => item['id'] === id)
  })
  expect(row).toMatchObject({ model: 'gem', cost: '0.00002' })
})
