import { describe, expect, test } from 'vitest'
import { answered, sentBody, sideRoad } from '../../../test/support/side-road.ts'
import { readRecordingsIn, recordingsPresent } from '../../../test/support/recordings.ts'
import { imageEdits, imageGenerations } from './images.ts'

const ask = (more: object = {}) =>
  sideRoad(imageGenerations, { model: 'shadow', prompt: 'a cat', ...more }, { kind: 'openai' })
const facts = (body: object) =>
  imageGenerations.inspect(Buffer.from(JSON.stringify({ model: 'm', prompt: 'a', ...body })), {})
const usage = {
  input_tokens: 50,
  output_tokens: 4160,
  total_tokens: 4210,
  input_tokens_details: { text_tokens: 10, image_tokens: 40 },
}

test('the hold covers the dearest image, each of them, and previews', () => {
  expect(facts({}).maxTokens).toBe(6240)
  expect(facts({ n: 3 }).choices).toBe(3)
  expect(facts({ stream: true, partial_images: 2 }).maxTokens).toBe(6440)
  expect(facts({ size: '3840x2160' }).maxTokens).toBeGreaterThan(30_000)
  const edit = imageEdits.inspect(Buffer.from('{"model":"m","prompt":"a","images":[{},{}]}'), {})
  expect(edit.promptBound).toBeGreaterThan(13_000)
})

test('usage is the provider’s, or so much for each image', () => {
  const told = answered(ask(), { created: 1, data: [{ b64_json: 'AA==' }], usage })
  expect(told.observed).toMatchObject({
    usage: { input: { uncached: 50 }, output: { visible: 4160 }, detail: { imageIn: 40 } },
  })
  expect(told.observed.estimated).toBeUndefined()
  const none = answered(ask(), { created: 1, data: [{ url: 'x' }, { url: 'y' }] })
  expect(none.observed).toMatchObject({ estimated: true, usage: { output: { visible: 2112 } } })
})

describe('streams', () => {
  const frame = (type: string, more: object = {}) =>
    Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, b64_json: 'A'.repeat(200_000), ...more })}\n\n`)

  test('previews pass as they come and the last event tells the usage', () => {
    const tap = ask({ stream: true, partial_images: 1 }).stream()
    const preview = frame('image_generation.partial_image', { partial_image_index: 0 })
    expect(tap.push(preview.subarray(0, 1000))).toHaveLength(0)
    expect(Buffer.from(tap.push(preview.subarray(1000))).equals(preview)).toBe(true)
    expect(tap.observed.complete).toBe(false)
    const last = frame('image_generation.completed', { usage })
    expect(Buffer.from(tap.push(last)).equals(last)).toBe(true)
    expect(tap.observed).toMatchObject({ complete: true, usage: { output: { visible: 4160 } } })
  })

  test('an error event is a failure and not for the client', () => {
    const tap = ask({ stream: true }).stream()
    expect(
      tap.push(
        Buffer.from(
          'event: error\ndata: {"type":"error","error":{"type":"image_generation_server_error","message":"no"}}\n\n',
        ),
      ),
    ).toHaveLength(0)
    expect(tap.observed.failure).toMatchObject({ message: 'no' })
  })

  test('a stream that is cut is not complete', () => {
    const tap = ask({ stream: true }).stream()
    tap.push(frame('image_generation.partial_image'))
    tap.finish()
    expect(tap.observed.complete).toBe(false)
  })
})

test.each([[{ prompt: '' }], [{ n: 11 }], [{ stream: 1 }]])('%j: 400', (body) => {
  expect(() => facts(body)).toThrow(expect.objectContaining({ status: 400 }))
})

test.skipIf(!recordingsPresent)('recorded answers pass as they came', () => {
  const recordings = readRecordingsIn('openai-images')
  expect(recordings.length).toBeGreaterThan(5)
  for (const { id, request, response } of recordings) {
    const road = ask({ ...request?.json, model: 'shadow' })
    if (request?.json) expect(sentBody(road), id).toMatchObject({ ...request.json, model: 'real-model' })
    if (response.status === 200) {
      const { json, observed } = answered(road, response.json)
      expect(json, id).toEqual(response.json)
      expect(observed, id).toMatchObject({ complete: true, estimated: true })
    } else
      expect(
        road.decodeError(response.status, () => undefined, Buffer.from(JSON.stringify(response.json))).class,
        id,
      ).toBe('client')
  }
})
