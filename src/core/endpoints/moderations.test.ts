import { expect, test } from 'vitest'
import { answered, sentBody, sideRoad } from '../../../test/support/side-road.ts'
import { readRecordingsIn, recordingsPresent } from '../../../test/support/recordings.ts'
import { moderations } from './moderations.ts'

const inspect = (body: object) => moderations.inspect(Buffer.from(JSON.stringify(body)), {})

test('a request without a model asks for the usual one', () => {
  expect(inspect({ input: 'a' }).model).toBe('omni-moderation-latest')
})

test('texts and parts are read, images are held for', () => {
  const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }
  expect(inspect({ model: 'm', input: ['a', 'b'] }).remoteParts).toBe(0)
  expect(inspect({ model: 'm', input: [{ type: 'text', text: 'a' }, image] }).remoteParts).toBe(1)
  for (const input of [undefined, [], 5, [5], [{ type: 'audio' }]])
    expect(() => inspect({ model: 'm', input })).toThrow(expect.objectContaining({ status: 400 }))
})

test.skipIf(!recordingsPresent)('recorded answers are charged by our own count, the name masked', () => {
  const recordings = readRecordingsIn('openai-moderations')
  expect(recordings.length).toBeGreaterThan(2)
  for (const { request, response } of recordings) {
    const road = sideRoad(moderations, { ...request?.json, model: 'shadow' }, { kind: 'openai', model: 'omni' })
    expect(sentBody(road)).toEqual({ ...request?.json, model: 'omni' })
    const { json, observed } = answered(road, response.json)
    expect(json).toEqual({ ...response.json, model: 'shadow' })
    expect(observed).toMatchObject({ complete: true, estimated: true })
    expect(observed.usage?.input.uncached).toBeGreaterThan(0)
  }
})
