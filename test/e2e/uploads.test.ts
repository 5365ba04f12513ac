import { request as httpRequest } from 'node:http'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chatBody, chatPath, eventually, post, type Scene, startScene, verify } from '../support/scene.ts'

/** Recordings and images as the official SDK uploads them, and recordings as they are made, against the running daemon. */
let scene: Scene
let openai: OpenAI

beforeAll(async () => {
  scene = await startScene({ env: { GATEWAY_MAX_UPLOAD: '4MiB' } })
  for (const name of ['hear', 'say', 'paint', 'plain']) await scene.model(name, 'openai')
  await scene.model('claude', 'anthropic')
  openai = new OpenAI({ baseURL: `${scene.gateway.url}/v1`, apiKey: scene.key, maxRetries: 0 })
}, 60_000)
afterAll(() => scene.close())

const lastAsked = async () => (await scene.provider.log()).at(-1)!
const row = (id: string | null) =>
  eventually(() => scene.gateway.call('requests.show', { request: id ?? '' }).catch(() => undefined))

/** An upload as raw bytes, in pieces. */
const upload = (
  path: string,
  pieces: readonly (string | Buffer)[],
  headers: Record<string, string> = {},
  key = scene.key,
) =>
  new Promise<{ status: number; text: string; ms: number }>((resolve, reject) => {
    const began = performance.now()
    const call = httpRequest(
      `${scene.gateway.url}${path}`,
      {
        method: 'POST',
        agent: false,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'multipart/form-data; boundary=XyZ', ...headers },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, ms: performance.now() - began }))
      },
    )
    call.on('error', reject)
    for (const piece of pieces) call.write(piece)
    call.end()
  })
const field = (name: string, value: string) =>
  `--XyZ\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const file = (name: string, size: number) =>
  `--XyZ\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: audio/mpeg\r\n\r\n${'a'.repeat(size)}\r\n`

describe('transcriptions', () => {
  const answer = { text: 'Hello.', usage: { type: 'duration', seconds: 9 } }

  test('by the SDK, which may put the model behind the file; the name of the file stays', async () => {
    await scene.provider.script('real-hear', { chunks: [JSON.stringify(answer)] })
    const recording = await toFile(Buffer.alloc(300_000, 1), 'Gespräch 1.mp3')
    const { data, response } = await openai.audio.transcriptions
      .create({ file: recording, model: 'hear', language: 'de' })
      .withResponse()
    expect(data).toEqual(answer)
    expect(response.headers.get('x-gateway-cost')).toBe('0.00009')
    const asked = await lastAsked()
    expect(asked).toMatchObject({ path: '/v1/audio/transcriptions', model: 'real-hear' })
    expect(asked.headers['content-type']).toMatch(/^multipart\/form-data; boundary=gateway-/)
    expect(asked.bodyBytes).toBeGreaterThan(300_000)
    expect(asked.body).toContain('filename="Gespräch 1.mp3"')
    expect(await row(response.headers.get('x-gateway-request-id'))).toMatchObject({
      client_protocol: 'audio-transcriptions',
      usage_quality: 'exact',
      status: 200,
    })
  })

  test('with the model in front the file is passed on while it comes', async () => {
    await scene.provider.script('real-hear', {
      chunks: ['1\n00:00:00,000 --> 00:00:02,000\nHi\n'],
      headers: { 'content-type': 'text/plain' },
    })
    const sent = await upload('/v1/audio/transcriptions', [
      field('model', 'hear'),
      field('response_format', 'srt'),
      file('a.mp3', 1_000_000),
      '--XyZ--\r\n',
    ])
    expect(sent).toMatchObject({ status: 200, text: '1\n00:00:00,000 --> 00:00:02,000\nHi\n' })
    expect((await lastAsked()).bodyBytes).toBeGreaterThan(1_000_000)
  })

  test('as a stream of events with CRLF', async () => {
    const event = (type: string, more: object) => `data: ${JSON.stringify({ type, ...more })}\r\n\r\n`
    await scene.provider.script('real-hear', {
      chunks: [
        event('transcript.text.delta', { delta: 'Hel' }),
        event('transcript.text.delta', { delta: 'lo.' }),
        event('transcript.text.done', {
          text: 'Hello.',
          usage: { type: 'tokens', input_tokens: 14, output_tokens: 3, total_tokens: 17 },
        }),
      ],
    })
    const { data: stream, response } = await openai.audio.transcriptions
      .create({ file: await toFile(Buffer.alloc(1000), 'a.wav'), model: 'hear', stream: true })
      .withResponse()
    const types: string[] = []
    for await (const part of stream) types.push(part.type)
    expect(types).toEqual(['transcript.text.delta', 'transcript.text.delta', 'transcript.text.done'])
    expect(await row(response.headers.get('x-gateway-request-id'))).toMatchObject({
      usage_quality: 'exact',
      cost: '0.00002',
    })
  })

  test('a provider that has none, a model that is none, and no credit are told before the file is read', async () => {
    const big = [file('a.mp3', 2_000_000), '--XyZ--\r\n']
    const with_ = (model: string) => upload('/v1/audio/transcriptions', [field('model', model), ...big])
    expect(await with_('claude')).toMatchObject({
      status: 400,
      text: expect.stringContaining('unsupported_endpoint') as string,
    })
    expect(await with_('nothing')).toMatchObject({ status: 404 })
    expect(await upload('/v1/audio/transcriptions', [field('model', 'hear'), ...big], {}, 'sk-tg-wrong')).toMatchObject(
      { status: 401 },
    )
  })

  test.each([
    ['no boundary', ['x'], { 'content-type': 'multipart/form-data' }, 400],
    ['JSON', ['{"model":"hear"}'], { 'content-type': 'application/json' }, 415],
    ['a hundred thousand parts', [field('model', 'hear'), field('a', 'b').repeat(100_000), '--XyZ--\r\n'], {}, 400],
    ['a header of a megabyte', ['--XyZ\r\nX-Long: ', 'x'.repeat(1_000_000)], {}, 400],
    ['a path for a name', [file('../../x', 10), '--XyZ--\r\n'], {}, 400],
    ['no end', [field('model', 'hear'), file('a.mp3', 10)], {}, 400],
    [
      'a model behind the one in front',
      [field('model', 'hear'), file('a.mp3', 10), field('model', 'say'), '--XyZ--\r\n'],
      {},
      400,
    ],
    ['no model', [file('a.mp3', 10), '--XyZ--\r\n'], {}, 400],
    [
      'more than is allowed, by its own word',
      [file('a.mp3', 5_000_000), '--XyZ--\r\n'],
      { 'content-length': String(5_000_000) },
      413,
    ],
    ['more than is allowed, behind the file', [file('a.mp3', 5_000_000), '--XyZ--\r\n'], {}, 413],
    ['more than is allowed, on its way', [field('model', 'hear'), file('a.mp3', 5_000_000), '--XyZ--\r\n'], {}, 413],
  ] as const)('%s is refused', async (_, pieces, headers, status) => {
    const answered = await upload('/v1/audio/transcriptions', pieces, headers).catch((error: unknown) => error)
    expect(answered).toMatchObject({ status })
  })
})

describe('speech', () => {
  test('bytes come as they are made, with their type', async () => {
    await scene.provider.script('real-say', {
      fill: { chunk: '\u0001'.repeat(60_000), bytes: 3_000_000 },
      headers: { 'content-type': 'audio/mpeg' },
    })
    const response = await openai.audio.speech.create({ model: 'say', input: 'Hello there.', voice: 'alloy' })
    expect(response.headers.get('content-type')).toBe('audio/mpeg')
    expect((await response.arrayBuffer()).byteLength).toBe(3_000_000)
    expect(await row(response.headers.get('x-gateway-request-id'))).toMatchObject({
      client_protocol: 'audio-speech',
      usage_quality: 'estimated',
      status: 200,
    })
  })

  test('a recording that breaks off is not ended as if it were whole', async () => {
    await scene.provider.script('real-say', {
      chunks: ['x'.repeat(50_000), 'y'.repeat(50_000)],
      headers: { 'content-type': 'audio/mpeg' },
      fault: { kind: 'reset', afterBytes: 50_000 },
    })
    const response = await openai.audio.speech.create({ model: 'say', input: 'Hello there.', voice: 'alloy' })
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  test('a page of HTML is no recording', async () => {
    await scene.provider.script('real-say', { chunks: ['<html>'], headers: { 'content-type': 'text/html' } })
    await expect(openai.audio.speech.create({ model: 'say', input: 'Hello.', voice: 'alloy' })).rejects.toMatchObject({
      status: 502,
    })
  })
})

test('images are edited as uploads too, and varied', async () => {
  const usage = { input_tokens: 10, output_tokens: 20, total_tokens: 30 }
  await scene.provider.script('real-paint', {
    chunks: [JSON.stringify({ created: 1, data: [{ b64_json: 'AA==' }], usage })],
  })
  const image = await toFile(Buffer.alloc(5000), 'cat.png', { type: 'image/png' })
  const { data, response } = await openai.images
    .edit({ model: 'paint', image: [image, image], prompt: 'hat', n: 1 })
    .withResponse()
  expect(data.data?.[0]?.b64_json).toBe('AA==')
  expect(response.headers.get('x-gateway-cost')).toBe('0.00005')
  expect(await lastAsked()).toMatchObject({ path: '/v1/images/edits', model: 'real-paint' })
  expect((await openai.images.createVariation({ model: 'paint', image })).data).toHaveLength(1)
})

test('the books are right, no file is left, and the gateway still serves', async () => {
  await eventually(async () => ((await verify(scene.gateway)).holds_open === 0 ? true : undefined))
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
  expect((await post(scene.gateway, chatPath, scene.key, chatBody('plain'))).status).toBe(200)
  expect(scene.gateway.log()).not.toMatch(/"level":(?:50|60)[^\n]*internal_error/)
})
